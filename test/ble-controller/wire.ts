/** HCI packets on a stream socket: each with its length in two bytes before it. */
export function packed(packet: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(packet.length);
  return Buffer.concat([length, packet]);
}

export class Packets {
  readonly #deliver: (packet: Buffer) => void;
  #held: Buffer = Buffer.alloc(0);

  constructor(deliver: (packet: Buffer) => void) {
    this.#deliver = deliver;
  }

  take(bytes: Uint8Array): void {
    this.#held = Buffer.concat([this.#held, bytes]);
    while (this.#held.length >= 2 && this.#held.length >= 2 + this.#held.readUInt16LE(0)) {
      const end = 2 + this.#held.readUInt16LE(0);
      const packet = this.#held.subarray(2, end);
      this.#held = this.#held.subarray(end);
      this.#deliver(packet);
    }
  }
}
