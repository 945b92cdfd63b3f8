/** A client's end for tests of the virtual device: frames in and out, nothing of the client library. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { VirtualDevice } from "../../src/device/device";
import type { Command } from "../../src/smp/command";
import { OP } from "../../src/smp/header";
import { type CborMap, decodeMessage, encodeMessage, type Message } from "../../src/smp/message";

export interface Wire {
  send(packet: Uint8Array): void;
  /** The next frame that arrives. */
  receive(): Promise<Uint8Array>;
  /** Frames that arrived and were not received yet. */
  readonly unread: number;
  close(): void;
}

class Inbox {
  readonly #frames: Uint8Array[] = [];
  readonly #waiting: ((frame: Uint8Array) => void)[] = [];

  put(frame: Uint8Array): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(frame);
    else this.#frames.push(frame);
  }

  get unread(): number {
    return this.#frames.length;
  }

  take(): Promise<Uint8Array> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** In the same process; connects again whenever the device was gone. */
export function inProcess(device: VirtualDevice): Wire & { readonly losses: string[] } {
  const inbox = new Inbox();
  const losses: string[] = [];
  const connect = () =>
    device.connect({
      frame: (frame) => inbox.put(frame),
      lost: (reason) => {
        losses.push(reason);
        connection = undefined;
      },
    });
  let connection: ReturnType<typeof connect> | undefined = connect();
  return {
    losses,
    send: (packet) => (connection ??= connect()).send(packet),
    receive: () => inbox.take(),
    get unread() {
      return inbox.unread;
    },
    close: () => connection?.close(),
  };
}

/** Over a real socket to a port on this host. */
export async function overUdp(port: number): Promise<Wire> {
  const inbox = new Inbox();
  const socket = createSocket("udp4");
  socket.on("message", (frame) => inbox.put(frame));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    send: (packet) => socket.send(packet, port, "127.0.0.1"),
    receive: () => inbox.take(),
    get unread() {
      return inbox.unread;
    },
    close: () => void socket.close(),
  };
}

let seq = 0;

export function requestFrame(row: Command, body: CborMap, version = 1): Uint8Array {
  seq = (seq + 1) & 0xff;
  const op = row.op === "read" ? OP.READ : OP.WRITE;
  return encodeMessage({ op, version, group: row.group, id: row.id, seq, body });
}

export async function ask(wire: Wire, packet: Uint8Array): Promise<Message> {
  wire.send(packet);
  return decodeMessage(await wire.receive());
}

/** The body that a command is answered with. */
export async function call(wire: Wire, row: Command, body: CborMap = {}, version = 1): Promise<CborMap> {
  return (await ask(wire, requestFrame(row, body, version))).body;
}

/** Uploads a file in chunks that follow the device's offsets, the first of 400 bytes, then 900, as the recordings say. */
export async function upload(wire: Wire, row: Command, file: Uint8Array, sha?: Uint8Array): Promise<CborMap> {
  let body = await call(wire, row, { off: 0, len: file.length, sha, data: file.subarray(0, 400) });
  while (typeof body["off"] === "number" && body["off"] < file.length) {
    const { off } = body as { off: number };
    body = await call(wire, row, { off, data: file.subarray(off, off + 900) });
  }
  return body;
}

/** Waits, turn by turn of the event loop, until something is so. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 100_000, "it never became so");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Turns of the event loop, in which sockets are read. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
