/** A decoded body as plain data, without firmware bytes and secrets. */
import { fingerprint } from "../image/fingerprint";
import type { CborMap } from "../smp/message";

/** Byte strings that identify and give nothing away. */
const SHOWN_BYTES = new Set(["hash", "sha", "output"]);
/** Commands whose bytes are of files: which ones is worth knowing. Others may carry keys, which are too easy to guess from a hash. */
const FINGERPRINTED = new Set(["image.upload", "fs.upload", "fs.download"]);
/** Texts in which people pass secrets, by command. */
const HIDDEN_TEXTS: Readonly<Record<string, readonly string[]>> = { "shell.execute": ["argv", "o"] };
/** The one text of a command that is not in the table that is known to be harmless: why the device refuses. */
const REASON = "rsn";
const MAX_TEXT_CHARS = 200;

export interface Described {
  readonly body: unknown;
  /** The byte strings that were left out. */
  readonly hiddenBytes: readonly Uint8Array[];
  readonly hasHiddenText: boolean;
}

/** @param command name of the row; undefined for a command that is not in the table */
export function describeBody(body: CborMap, command: string | undefined): Described {
  const description = new Description(command);
  const shown = description.value(body, "");
  return { body: shown, hiddenBytes: description.hiddenBytes, hasHiddenText: description.hasHiddenText };
}

class Description {
  readonly hiddenBytes: Uint8Array[] = [];
  hasHiddenText = false;
  readonly #command: string | undefined;

  constructor(command: string | undefined) {
    this.#command = command;
  }

  value(value: unknown, key: string): unknown {
    if (typeof value === "bigint") return value.toString();
    if (typeof value === "string") return this.#text(value, key);
    if (value instanceof Uint8Array) return this.#bytes(value, key);
    if (Array.isArray(value)) return value.map((entry) => this.value(entry, key));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, this.value(entry, name)]));
  }

  #text(text: string, key: string): unknown {
    const hidden = this.#command === undefined ? key !== REASON : HIDDEN_TEXTS[this.#command]?.includes(key);
    if (hidden === true) {
      this.hasHiddenText = true;
      return { chars: text.length };
    }
    return text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text;
  }

  #bytes(bytes: Uint8Array, key: string): unknown {
    if (this.#command !== undefined && SHOWN_BYTES.has(key)) return Buffer.from(bytes).toString("hex");
    this.hiddenBytes.push(bytes);
    const isOfFile = this.#command !== undefined && FINGERPRINTED.has(this.#command);
    return { bytes: bytes.length, ...(isOfFile && { sha256: fingerprint(bytes) }) };
  }
}
