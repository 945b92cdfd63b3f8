/** Intel HEX to the bytes that it stands for. Source: Intel, "Hexadecimal Object File Format Specification", revision A. */
import { SmpError } from "../errors";
import { tooLargeError, type FirmwareSource } from "./firmware-source";
import { readPieces } from "./hashing";
import { createSpool, type Spool } from "./spool";

const RECORD = { DATA: 0, END: 1, SEGMENT: 2, START_SEGMENT: 3, LINEAR: 4, START_LINEAR: 5 } as const;
/** Erased flash. */
const GAP = 0xff;
/** Of 255 data bytes, with room for blanks. */
const MAX_LINE = 600;
/** Written at a time. */
const PIECE_BYTES = 64 * 1024;

export interface HexOptions {
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Converts a hex file, piece by piece, to a temporary file: from its lowest address to its highest, gaps as erased flash.
 * The source stays the caller's.
 * @throws SMP_BAD_IMAGE with the number of the line that is wrong; SMP_IMAGE_TOO_LARGE when the addresses reach too far
 */
export async function convertHex(source: FirmwareSource, options: HexOptions): Promise<FirmwareSource> {
  const { maxBytes, signal } = options;
  const spool = await createSpool(`${source.label} as binary`, { maxBytes });
  try {
    const writer = new HexWriter(source.label, spool, maxBytes);
    for await (const line of readLines(source, signal)) await writer.take(line);
    return await writer.finish();
  } catch (thrown) {
    await spool.discard();
    throw thrown;
  }
}

interface Line {
  readonly number: number;
  readonly text: string;
}

async function* readLines(
  source: FirmwareSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  let rest = "";
  for await (const piece of readPieces(source, source.sizeBytes, signal)) {
    const lines = (rest + Buffer.from(piece).toString("latin1")).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE) throw lineError(source.label, number + lines.length + 1, "it is too long");
    for (const text of lines) yield { number: ++number, text: text.trim() };
  }
  yield { number: ++number, text: rest.trim() };
}

class HexWriter {
  readonly #label: string;
  readonly #spool: Spool;
  readonly #maxBytes: number;
  /** Added to the addresses of data records. */
  #base = 0;
  #start: number | undefined;
  /** The address after the last byte. */
  #end = 0;
  #ended = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor(label: string, spool: Spool, maxBytes: number) {
    this.#label = label;
    this.#spool = spool;
    this.#maxBytes = maxBytes;
  }

  async take({ number, text }: Line): Promise<void> {
    if (text === "") return;
    const fail = (why: string): never => {
      throw lineError(this.#label, number, why);
    };
    if (this.#ended) return fail("it comes after the end record");
    const { type, address, data } = parseRecord(text, fail);
    if (type === RECORD.DATA) await this.#data(this.#base + address, data, fail);
    else if (type === RECORD.END) this.#ended = true;
    else if (type === RECORD.SEGMENT || type === RECORD.LINEAR) {
      if (data.length !== 2) fail(`an address record has ${data.length} bytes instead of 2`);
      this.#base = data.readUInt16BE(0) * (type === RECORD.LINEAR ? 0x1_0000 : 0x10);
    }
  }

  async finish(): Promise<FirmwareSource> {
    if (!this.#ended) {
      throw new SmpError("SMP_BAD_IMAGE", `${this.#label} is truncated: it has no end record`, {
        hint: "Copy or download the file again; the copy was cut off.",
      });
    }
    await this.#flush();
    return await this.#spool.finish();
  }

  async #data(address: number, data: Buffer, fail: (why: string) => never): Promise<void> {
    this.#start ??= this.#end = address;
    const gapBytes = address - this.#end;
    if (gapBytes < 0) fail(`its address 0x${address.toString(16)} lies before the end of the line before it`);
    if (address + data.length - this.#start > this.#maxBytes) {
      if (gapBytes < this.#maxBytes) throw tooLargeError(this.#label, this.#maxBytes);
      fail(`its address 0x${address.toString(16)} lies ${gapBytes} bytes behind the line before it`);
    }
    await this.#fill(gapBytes);
    await this.#put(data);
    this.#end = address + data.length;
  }

  async #fill(gapBytes: number): Promise<void> {
    for (let left = gapBytes; left > 0; left -= PIECE_BYTES)
      await this.#put(Buffer.alloc(Math.min(left, PIECE_BYTES), GAP));
  }

  async #put(data: Buffer): Promise<void> {
    this.#waiting.push(data);
    this.#waitingBytes += data.length;
    if (this.#waitingBytes >= PIECE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const piece = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (piece.length > 0) await this.#spool.write(piece);
  }
}

interface HexRecord {
  readonly type: number;
  readonly address: number;
  readonly data: Buffer;
}

/** `:LLAAAATT<data>CC`, the sum of all bytes being 0. */
function parseRecord(text: string, fail: (why: string) => never): HexRecord {
  if (!/^:(?:[0-9a-f]{2})+$/i.test(text)) fail("it is no record of hexadecimal digits after a colon");
  const bytes = Buffer.from(text.slice(1), "hex");
  if (bytes.length !== (bytes[0] ?? 0) + 5) fail(`it has ${bytes.length} bytes, but announces ${(bytes[0] ?? 0) + 5}`);
  const sum = bytes.reduce((all, byte) => all + byte, 0) & 0xff;
  if (sum !== 0) fail("its checksum is wrong");
  const type = bytes[3]!;
  if (type > RECORD.START_LINEAR) fail(`its record type ${type} does not exist`);
  return { type, address: bytes.readUInt16BE(1), data: bytes.subarray(4, -1) };
}

function lineError(label: string, line: number, why: string): SmpError {
  return new SmpError("SMP_BAD_IMAGE", `${label} is no valid Intel HEX file: line ${line}: ${why}`, {
    hint: "Use zephyr.signed.hex or zephyr.signed.bin of the build; merged.hex also holds the bootloader and is for a programmer only.",
  });
}
