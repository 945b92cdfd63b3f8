import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import {
  ackEnvelope,
  failureEnvelope,
  frameEnvelope,
  parseEnvelope,
  presenceEnvelope,
  readEnvelope,
} from "../../src/framing/envelope";

const FRAME = Uint8Array.from([0x08, 0, 0, 1, 0, 0, 7, 6, 0xa0]);

function refusal(work: () => unknown): SmpError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SmpError, String(error));
    assert.equal(error.code, "SMP_BAD_FRAME");
    return error;
  }
  throw new assert.AssertionError({ message: "expected a refusal" });
}

describe("envelope", () => {
  it("looks as the specification says", () => {
    assert.equal(
      JSON.stringify(frameEnvelope("sensor-1", "k3f9-17", FRAME)),
      '{"v":1,"device":"sensor-1","id":"k3f9-17","frame":"CAAAAQAABwag"}',
    );
    assert.deepEqual(ackEnvelope("sensor-1", undefined), { v: 1, device: "sensor-1", ack: true });
  });

  it("comes back from text as it was", () => {
    const error = { code: "SMP_LINK_OPEN", message: "device offline", retryable: false };
    const back = (envelope: object) => parseEnvelope(JSON.stringify(envelope));
    assert.deepEqual(back(frameEnvelope("a", "1", FRAME)), { kind: "frames", device: "a", id: "1", frames: [FRAME] });
    assert.deepEqual(back(failureEnvelope("a", "1", error)), { kind: "failure", device: "a", id: "1", error });
    assert.deepEqual(back(ackEnvelope("a", "1")), { kind: "ack", device: "a", id: "1" });
    const presence = presenceEnvelope({ gateway: "gw", device: "a", state: "reachable", maxFrameBytes: 244 });
    assert.deepEqual(back(presence), { kind: "presence", presence });
  });

  it("takes several frames, Buffers, numbers as ids, no version, and members it does not know", () => {
    const base64 = Buffer.from(FRAME).toString("base64");
    const given = { device: "a", id: 17, frames: [base64, Buffer.from(FRAME)], at: "now" };
    assert.deepEqual(readEnvelope(given), { kind: "frames", device: "a", id: "17", frames: [FRAME, FRAME] });
  });

  it("takes a failure in whatever shape a cloud tells it", () => {
    const errorOf = (error: unknown) => {
      const envelope = readEnvelope({ device: "a", error });
      assert.equal(envelope.kind, "failure");
      return envelope.kind === "failure" ? envelope.error : undefined;
    };
    assert.deepEqual(errorOf("device offline"), { code: "", message: "device offline", retryable: true });
    assert.deepEqual(errorOf({ code: "404103" }), { code: "404103", message: "404103", retryable: true });
    assert.deepEqual(errorOf({ status: 504 }), { code: "", message: '{"status":504}', retryable: true });
  });

  it("names the member that is wrong", () => {
    const fields: [unknown, string][] = [
      [{ v: 2, device: "a", frame: "CAAA" }, "v"],
      [{ device: 3.5, id: "1" }, "payload"],
      [{ device: "", frame: "CAAA" }, "device"],
      [{ device: { name: "a" }, frame: "CAAA" }, "device"],
      [{ device: "a", id: [], frame: "CAAA" }, "id"],
      [{ device: "a", frame: "C*" }, "frame"],
      [{ device: "a", frame: 7 }, "frame"],
      [{ device: "a", frames: "CAAA" }, "frames"],
      [{ device: "a", frames: ["CAAA", "C"] }, "frames[1]"],
      [{ gateway: "gw" }, "state"],
      [[], "payload"],
      [null, "payload"],
    ];
    for (const [given, field] of fields) assert.equal(refusal(() => readEnvelope(given)).details.field, field);
  });

  it("refuses what is no JSON, as a flow may hand it over", () => {
    const loop: Record<string, unknown> = {};
    loop["v"] = loop;
    for (const v of [[[0n]], loop]) assert.equal(refusal(() => readEnvelope({ v })).details.field, "v");
    const failure = readEnvelope({ device: "d", error: { message: 7n } });
    assert.match(failure.kind === "failure" ? failure.error.message : "", /of type object/);
  });

  it("says what there is when nothing known is in it, and why a text is no JSON", () => {
    assert.match(refusal(() => readEnvelope({ data: "CAAA", to: "a" })).message, /its members: data, to/);
    assert.match(refusal(() => parseEnvelope('{"v":1,')).message, /is no JSON \(.+\)/);
  });
});
