/** Images that imgtool makes, as a build of Zephyr calls it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonTool, run } from "./peers";

const LAYOUT = ["--header-size", "0x200", "--pad-header", "--align", "8", "--slot-size", "0x40000"];

export class Images {
  readonly #folder = mkdtempSync(join(tmpdir(), "imgtool-"));

  /** Signed with a new Ed25519 key. @returns the file's path */
  async make(version: string, payloadBytes: number): Promise<string> {
    const imgtool = await pythonTool("imgtool");
    const [key, payload, image] = ["key.pem", `${version}.payload`, `${version}.bin`].map((name) =>
      join(this.#folder, name),
    ) as [string, string, string];
    writeFileSync(payload, randomBytes(payloadBytes));
    await run(imgtool, "keygen", "--key", key, "--type", "ed25519");
    await run(imgtool, "sign", "--key", key, "--version", version, ...LAYOUT, payload, image);
    return image;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
