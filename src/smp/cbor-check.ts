/**
 * Says what is wrong with a CBOR body before the decoder sees it: with the byte at fault, and without allocating what
 * a lying length asks for. RFC 8949; SMP allows one map with text keys and no tags.
 */

/** Levels of maps and lists in a body; no SMP group comes near. */
export const MAX_DEPTH = 16;
const BREAK = 0xff;
const INDEFINITE = 31;
/** false, true, null, undefined, and floats of 2, 4 and 8 bytes: the others have no meaning (RFC 8949, 3.3). */
const KNOWN_SIMPLE = new Set([20, 21, 22, 23, 25, 26, 27]);
const MAJOR = { BYTES: 2, TEXT: 3, LIST: 4, MAP: 5, TAG: 6, SIMPLE: 7 } as const;

class Fault extends Error {}

interface Head {
  readonly major: number;
  /** Length, count or value; undefined for the indefinite form. */
  readonly argument: number | undefined;
  readonly next: number;
}

/** Why `body` is not exactly one well-formed map, e.g. "byte 12: list of 65535 items, 3 bytes left"; or undefined. */
export function cborFault(body: Uint8Array): string | undefined {
  try {
    if (body.length === 0) throw new Fault("the body is empty, expected a map");
    if (body[0]! >> 5 !== MAJOR.MAP) throw new Fault("byte 0: the body is not a map");
    const end = new Walk(body).item(0, 0);
    if (end !== body.length) throw new Fault(`byte ${end}: ${body.length - end} bytes after the end of the map`);
    return undefined;
  } catch (fault) {
    if (fault instanceof Fault) return fault.message;
    throw fault;
  }
}

class Walk {
  readonly #body: Uint8Array;

  constructor(body: Uint8Array) {
    this.#body = body;
  }

  /** Walks over one item and returns where the next one begins. */
  item(at: number, depth: number): number {
    if (depth > MAX_DEPTH) throw new Fault(`byte ${at}: nested deeper than ${MAX_DEPTH} levels`);
    const head = this.#head(at);
    switch (head.major) {
      case MAJOR.BYTES:
      case MAJOR.TEXT:
        return this.#string(at, head);
      case MAJOR.LIST:
        return this.#list(at, head, depth);
      case MAJOR.MAP:
        return this.#map(at, head, depth);
      case MAJOR.TAG:
        throw new Fault(`byte ${at}: tag ${head.argument ?? "?"}, SMP uses none`);
      case MAJOR.SIMPLE:
        return this.#simple(at, head);
      default:
        return head.next;
    }
  }

  #head(at: number): Head {
    const first = this.#byte(at);
    const major = first >> 5;
    const info = first & 31;
    if (info < 24) return { major, argument: info, next: at + 1 };
    if (info === INDEFINITE && major >= MAJOR.BYTES && major !== MAJOR.TAG) {
      return { major, argument: undefined, next: at + 1 };
    }
    if (info > 27) throw new Fault(`byte ${at}: 0x${first.toString(16)} is no CBOR`);
    const argumentBytes = 1 << (info - 24);
    let argument = 0;
    for (let index = 1; index <= argumentBytes; index++) argument = argument * 256 + this.#byte(at + index);
    return { major, argument, next: at + 1 + argumentBytes };
  }

  #string(at: number, head: Head): number {
    if (head.argument === undefined) throw new Fault(`byte ${at}: a string in pieces, which SMP servers do not write`);
    if (head.argument > this.#body.length - head.next) throw this.#tooLong(at, "string of", "bytes", head);
    return head.next + head.argument;
  }

  #list(at: number, head: Head, depth: number): number {
    if (head.argument !== undefined && head.argument > this.#body.length - head.next) {
      throw this.#tooLong(at, "list of", "items", head);
    }
    let next = head.next;
    for (let count = 0; !this.#ends(head, count, next); count++) next = this.item(next, depth + 1);
    return head.argument === undefined ? next + 1 : next;
  }

  #map(at: number, head: Head, depth: number): number {
    if (head.argument !== undefined && head.argument * 2 > this.#body.length - head.next) {
      throw this.#tooLong(at, "map of", "entries", head);
    }
    const keys = new Set<string>();
    let next = head.next;
    for (let count = 0; !this.#ends(head, count, next); count++) {
      if (this.#byte(next) >> 5 !== MAJOR.TEXT) throw new Fault(`byte ${next}: map key is not text`);
      const value = this.item(next, depth + 1);
      const key = Buffer.from(this.#body.subarray(next, value)).toString("latin1");
      if (keys.has(key)) throw new Fault(`byte ${next}: the same map key a second time`);
      keys.add(key);
      next = this.item(value, depth + 1);
    }
    return head.argument === undefined ? next + 1 : next;
  }

  #ends(head: Head, count: number, next: number): boolean {
    return head.argument === undefined ? this.#byte(next) === BREAK : count === head.argument;
  }

  #simple(at: number, head: Head): number {
    const byte = this.#byte(at);
    if (byte === BREAK) throw new Fault(`byte ${at}: unexpected break`);
    if (!KNOWN_SIMPLE.has(byte & 31)) throw new Fault(`byte ${at}: 0x${byte.toString(16)} is a value without meaning`);
    return head.next;
  }

  #byte(at: number): number {
    const byte = this.#body[at];
    if (byte === undefined) throw new Fault(`byte ${at}: the body ends in the middle of an item`);
    return byte;
  }

  #tooLong(at: number, what: string, unit: string, head: Head): Fault {
    return new Fault(`byte ${at}: ${what} ${head.argument} ${unit}, ${this.#body.length - head.next} bytes left`);
  }
}
