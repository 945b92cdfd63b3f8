/** Images that imgtool makes, as a build of Zephyr calls it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonTool, run } from "./peers";

const HEADER_BYTES = 0x200;
const LAYOUT = ["--header-size", `${HEADER_BYTES}`, "--pad-header", "--align", "8", "--slot-size", "0x40000"];

export class Images {
  readonly #folder = mkdtempSync(join(tmpdir(), "imgtool-"));

  /** Signed with a new Ed25519 key. @returns the file's path */
  async make(version: string, payloadBytes: number): Promise<string> {
    const key = join(this.#folder, "key.pem");
    await run(await pythonTool("imgtool"), "keygen", "--key", key, "--type", "ed25519");
    return await this.#sign(version, randomBytes(payloadBytes), "--key", key);
  }

  /** The same program in another version, for a bootloader that asks for no signature. @returns the file's path */
  async reversion(image: string, version: string): Promise<string> {
    const bytes = readFileSync(image);
    const [loadAddress, payloadBytes] = [bytes.readUInt32LE(4), bytes.readUInt32LE(12)];
    const program = bytes.subarray(HEADER_BYTES, HEADER_BYTES + payloadBytes);
    return await this.#sign(version, program, ...(loadAddress === 0 ? [] : ["--load-addr", `${loadAddress}`]));
  }

  async #sign(version: string, program: Uint8Array, ...options: string[]): Promise<string> {
    const [payload, image] = [join(this.#folder, `${version}.payload`), join(this.#folder, `${version}.bin`)];
    writeFileSync(payload, program);
    await run(await pythonTool("imgtool"), "sign", "--version", version, ...LAYOUT, ...options, payload, image);
    return image;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
