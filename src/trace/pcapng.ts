/**
 * A trace as a capture for Wireshark (pcapng, draft-ietf-opsawg-pcapng): each frame as a UDP datagram to or from port 1337 of a made-up
 * address, one interface per device, and the decoded frame as the packet's comment.
 */
import { frameText } from "./text";
import type { TimedLine } from "./read";
import type { FrameRecord } from "./record";

const BLOCK = { SECTION: 0x0a0d0d0a, INTERFACE: 1, PACKET: 6 } as const;
const OPTION = { END: 0, COMMENT: 1, NAME: 2, APPLICATION: 4 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Packets begin with an IP header. */
const LINKTYPE_RAW = 101;
const IP_BYTES = 20;
const UDP_BYTES = 8;
const UDP_PROTOCOL = 17;
const SMP_PORT = 1337;
const CLIENT_PORT = 49_152;
const MOST_IP_BYTES = 0xffff;
const CLIENT = [10, 0, 0, 1] as const;

/** The blocks of a capture of these frames, in order. */
export function* pcapng(lines: Iterable<TimedLine>): Generator<Buffer> {
  const interfaces = new Map<string, number>();
  yield sectionHeader();
  for (const { line: frame, wallMs } of lines) {
    if (frame.kind !== "frame") continue;
    const name = `${frame.device} (${frame.link})`;
    const known = interfaces.get(name);
    const id = known ?? interfaces.size;
    if (known === undefined) {
      interfaces.set(name, id);
      yield block(BLOCK.INTERFACE, shorts(LINKTYPE_RAW, 0), longs(0), options([OPTION.NAME, name]));
    }
    yield packet(frame, id, wallMs);
  }
}

function sectionHeader(): Buffer {
  // -1: nobody knows how long the section is.
  const fixed = Buffer.concat([longs(BYTE_ORDER_MAGIC), shorts(1, 0), longs(0xffffffff, 0xffffffff)]);
  return block(BLOCK.SECTION, fixed, options([OPTION.APPLICATION, "smp-trace"]));
}

function packet(frame: FrameRecord, id: number, wallMs: number): Buffer {
  const captured = capturedBytes(frame);
  const content = Buffer.concat([datagramHeaders(frame, id), captured]);
  const micros = BigInt(Math.round(wallMs * 1000));
  const wireBytes = content.length - captured.length + frame.bytes;
  const fixed = longs(id, Number(micros >> 32n), Number(micros & 0xffffffffn), content.length, wireBytes);
  return block(BLOCK.PACKET, fixed, padded(content), options([OPTION.COMMENT, frameText(frame)]));
}

/** All bytes up to the first that is not told. */
function capturedBytes({ hex }: FrameRecord): Buffer {
  // Node.js reads as far as there are digits.
  return Buffer.from(hex, "hex");
}

function datagramHeaders(frame: FrameRecord, id: number): Buffer {
  const device = [10, 1, ((id + 1) >> 8) & 0xff, (id + 1) & 0xff] as const;
  const [from, to] = frame.dir === "out" ? [CLIENT, device] : [device, CLIENT];
  const [fromPort, toPort] = frame.dir === "out" ? [CLIENT_PORT, SMP_PORT] : [SMP_PORT, CLIENT_PORT];
  const ipBytes = Math.min(MOST_IP_BYTES, IP_BYTES + UDP_BYTES + frame.bytes);
  const ip = Buffer.alloc(IP_BYTES);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(ipBytes, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(UDP_PROTOCOL, 9);
  ip.set(from, 12);
  ip.set(to, 16);
  ip.writeUInt16BE(checksum(ip), 10);
  const udp = Buffer.alloc(UDP_BYTES);
  udp.writeUInt16BE(fromPort, 0);
  udp.writeUInt16BE(toPort, 2);
  udp.writeUInt16BE(ipBytes - IP_BYTES, 4);
  return Buffer.concat([ip, udp]);
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

function block(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = longs(12 + body.length);
  return Buffer.concat([longs(type), length, body, length]);
}

function options(...given: (readonly [code: number, text: string])[]): Buffer {
  const all = given.map(([code, text]) => {
    // The length has 16 bits.
    const value = Buffer.from(text).subarray(0, 0xfff0);
    return Buffer.concat([shorts(code, value.length), padded(value)]);
  });
  return Buffer.concat([...all, shorts(OPTION.END, 0)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function shorts(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16LE(value, 2 * index));
  return bytes;
}

function longs(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}
