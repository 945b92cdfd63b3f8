import assert from "node:assert/strict";
import { FrameAssembler } from "../../src/framing/stream";
import { encodeHeader } from "../../src/smp/header";

/** A frame whose body tells its number and place. */
function frame(bodyBytes: number, seq: number): Buffer {
  const header = encodeHeader({ op: 3, version: 1, bodyBytes, group: 1, seq, id: 1 });
  return Buffer.concat([header, Buffer.from({ length: bodyBytes } as number[]).fill(seq)]);
}

function pieces(bytes: Buffer, ...sizes: number[]): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = sizes.length > 1 ? sizes.shift()! : sizes[0]!;
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}

function assembled(assembler: FrameAssembler, parts: readonly Uint8Array[]): string[] {
  return parts.flatMap((part) => assembler.push(part) ?? []).map((whole) => Buffer.from(whole).toString("hex"));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("assembly of frames from pieces", () => {
  it("gives a frame that comes in one piece", () => {
    const whole = frame(20, 1);
    assert.deepEqual(assembled(new FrameAssembler(), [whole]), [hex(whole)]);
  });

  it("gives the largest frame from single bytes, in time that grows with its length only", () => {
    const whole = frame(0xffff, 1);
    assert.deepEqual(assembled(new FrameAssembler(), pieces(whole, 1)), [hex(whole)]);
  });

  it("gives frames cut at every size, header included, in order", () => {
    for (let size = 1; size <= 60; size++) {
      const [one, other] = [frame(50, 1), frame(0, 2)];
      const parts = [...pieces(one, size), ...pieces(other, size)];
      assert.deepEqual(assembled(new FrameAssembler(), parts), [hex(one), hex(other)], `pieces of ${size}`);
    }
  });

  it("takes pieces of unequal sizes, empty ones among them", () => {
    const whole = frame(300, 1);
    const parts = [...pieces(whole, 3, 200, 1), Buffer.alloc(0)];
    assert.deepEqual(assembled(new FrameAssembler(), parts), [hex(whole)]);
  });

  it("assembles the largest frame there can be", () => {
    const whole = frame(0xffff, 7);
    assert.deepEqual(assembled(new FrameAssembler(), pieces(whole, 244)), [hex(whole)]);
  });

  it("does not keep the pieces it was given", () => {
    const whole = frame(20, 1);
    const [start, rest] = pieces(Buffer.from(whole), 10, 18);
    const assembler = new FrameAssembler();
    assembler.push(start!);
    start!.fill(0xff);
    assert.deepEqual(assembled(assembler, [rest!]), [hex(whole)]);
  });

  it("drops a frame of which a piece was lost when the next frame does not fit into it", () => {
    const assembler = new FrameAssembler();
    const [start] = pieces(frame(50, 1), 20);
    const next = frame(40, 2);
    assert.deepEqual(assembled(assembler, [start!, next]), [hex(next)]);
    assert.equal(assembler.damaged, 1);
  });

  it("begins anew with a next frame that comes in pieces itself", () => {
    const [start] = pieces(frame(30, 1), 20);
    const next = frame(90, 2);
    assert.deepEqual(assembled(new FrameAssembler(), [start!, ...pieces(next, 50)]), [hex(next)]);
  });

  it("passes on as it is what is longer than its header says", () => {
    const odd = Buffer.concat([frame(10, 1), Buffer.from("and more")]);
    const next = frame(10, 2);
    assert.deepEqual(assembled(new FrameAssembler(), [odd, next]), [hex(odd), hex(next)]);
  });

  it("forgets a part when told to", () => {
    const assembler = new FrameAssembler();
    assembler.push(frame(50, 1).subarray(0, 30));
    assert.equal(assembler.pendingBytes, 30);
    assembler.drop();
    const next = frame(20, 2);
    assert.deepEqual([assembler.pendingBytes, ...assembled(assembler, [next])], [0, hex(next)]);
    assert.equal(assembler.damaged, 1);
  });
});
