/** Uploads over real links, again and again, to be measured: what is not theirs happens before and after. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import type { SessionPool } from "../../src/session/types";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";

/** Each is uploaded over the other, so that no device has it already. */
const VERSIONS = ["1.1.0", "1.2.0"];

export class Uploads {
  readonly #pool: SessionPool;
  readonly #addresses: readonly string[];
  readonly #fileBytes: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "smp-bench-"));
  readonly #files: string[];
  #round = 0;

  constructor(pool: SessionPool, addresses: readonly string[], fileBytes: number) {
    this.#pool = pool;
    this.#addresses = addresses;
    this.#fileBytes = fileBytes;
    this.#files = VERSIONS.map((version) => {
      const path = join(this.#folder, `${version}.bin`);
      writeFileSync(path, buildImage({ version, payloadBytes: fileBytes }));
      return path;
    });
  }

  /** One upload to each device, all side by side. */
  get roundBytes(): number {
    return this.#addresses.length * this.#fileBytes;
  }

  /** As many rounds as it takes to move about so many bytes. @returns the bytes that were moved */
  async move(bytes: number): Promise<number> {
    const rounds = Math.max(1, Math.round(bytes / this.roundBytes));
    for (let round = 0; round < rounds; round++) await this.once();
    return rounds * this.roundBytes;
  }

  /** @param onOffset told whenever a device has acknowledged more */
  async once(onOffset: (offBytes: number) => void = () => {}): Promise<void> {
    const path = this.#files[this.#round++ % this.#files.length]!;
    await Promise.all(this.#addresses.map((address) => this.#upload(path, address, onOffset)));
  }

  async #upload(path: string, address: string, onOffset: (offBytes: number) => void): Promise<void> {
    const onProgress = ({ offBytes }: { offBytes: number }): void => onOffset(offBytes);
    const source = await openFirmware(path);
    const info = await inspectFirmware(source);
    await this.#pool.use(address, { name: "upload" }, (device) => uploadFirmware(device, source, info, { onProgress }));
    await source.close();
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
