import assert from "node:assert/strict";
import { SmpError } from "../../../src/errors";
import { presenceEnvelope, readEnvelope } from "../../../src/framing/envelope";
import { encodeHeader } from "../../../src/smp/header";
import type { FlowChannel, OutgoingFrame, Sender } from "../../../src/transport/flow/channel";
import type { FlowLink } from "../../../src/transport/flow/link";
import type { Unanswerable } from "../../../src/transport/transport";
import { useFakeTime } from "../../session/fake-time";
import { joined } from "./channel";

const FOREVER = new AbortController().signal;

function frame(op: number, seq: number, bodyBytes = 0): Uint8Array {
  return Buffer.concat([
    encodeHeader({ op, version: 1, bodyBytes, group: 0, seq, id: 6 }),
    Buffer.alloc(bodyBytes, 0xa0),
  ]);
}

const request = (seq: number): Uint8Array => frame(0, seq);
const answer = (seq: number): Uint8Array => frame(1, seq, 2);

function refusal(work: () => void): SmpError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof SmpError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "expected a refusal" });
}

describe("flow channel", () => {
  const time = useFakeTime();
  const links: FlowLink[] = [];
  afterEach(() => void Promise.all(links.splice(0).map((link) => link.close())));

  function open(channel: FlowChannel, device = "sensor-1"): { link: FlowLink; got: Uint8Array[] } {
    const link = channel.open(device);
    links.push(link);
    const got: Uint8Array[] = [];
    void (async () => {
      for await (const each of link.frames) got.push(each);
    })().catch(() => {});
    return { link, got };
  }

  const give = (channel: FlowChannel, frames: Uint8Array[], sender: Sender): void =>
    channel.take({ kind: "frames", frames }, sender);

  describe("takes answers", () => {
    it("by the id alone, and once", async () => {
      const { channel, out } = joined();
      const { link, got } = open(channel);
      await link.send(request(7), FOREVER, { command: "os.parameters", attempt: 2, timeoutMs: 2_500 });
      const { id, ...facts } = out[0]!;
      assert.deepEqual(facts, {
        device: "sensor-1",
        seq: 7,
        attempt: 2,
        command: "os.parameters",
        timeoutMs: 2_500,
        frame: new Uint8Array(request(7)),
      });
      for (let copy = 0; copy < 3; copy++) give(channel, [answer(7)], { id });
      await time.pass(0);
      assert.equal(got.length, 1);
      assert.equal(channel.counters.repeated, 2);
    });

    it("by the SMP header where there is no id, and once", async () => {
      const { channel } = joined();
      const { link, got } = open(channel);
      await link.send(request(7), FOREVER);
      for (let copy = 0; copy < 3; copy++) give(channel, [answer(7)], { device: "sensor-1" });
      await time.pass(0);
      assert.deepEqual([got.length, channel.counters.repeated], [1, 2]);
    });

    it("by the topic only where nothing else tells the device", () => {
      const { channel } = joined();
      open(channel);
      give(channel, [answer(1)], { topic: "sensor-1" });
      channel.take(readEnvelope({ device: "sensor-1", frame: Buffer.from(answer(2)) }), {
        topic: "smp/v1/gw/response",
      });
      assert.equal(channel.counters.received, 2);
    });

    it("not when their sequence number belongs to a later request by now", async () => {
      const { channel, out } = joined();
      const { link, got } = open(channel);
      await link.send(request(7), FOREVER);
      await link.send(request(7), FOREVER);
      give(channel, [answer(7)], { id: out[0]!.id });
      await time.pass(0);
      assert.deepEqual([got.length, channel.counters.late], [0, 1]);
    });

    it("not after the link was closed, and that is no error", async () => {
      const { channel, out } = joined();
      const { link } = open(channel);
      await link.send(request(7), FOREVER);
      await link.close();
      give(channel, [answer(7)], { id: out[0]!.id });
      give(channel, [answer(7)], { device: "sensor-1" });
      assert.equal(channel.counters.late, 2);
    });
  });

  describe("refuses what is for nobody, and counts it", () => {
    it("from a process before, as no id is ever used twice", async () => {
      const [before, now] = [joined(), joined()];
      await open(before.channel).link.send(request(7), FOREVER);
      open(now.channel);
      const error = refusal(() => give(now.channel, [answer(7)], { id: before.out[0]!.id }));
      assert.equal(error.code, "SMP_NO_SESSION");
      assert.equal(now.channel.counters.foreign, 1);
    });

    it("when device and id do not belong together", async () => {
      const { channel, out } = joined();
      await open(channel).link.send(request(7), FOREVER);
      open(channel, "sensor-2");
      const error = refusal(() => give(channel, [answer(7)], { device: "sensor-2", id: out[0]!.id }));
      assert.match(error.message, /a message of sensor-2 answers the request .*, which went to sensor-1/);
    });

    it("when a request comes back, and says what is probably wired wrongly", () => {
      const { channel } = joined();
      open(channel);
      const error = refusal(() => give(channel, [request(7)], { device: "sensor-1" }));
      assert.equal(error.code, "SMP_BAD_FRAME");
      assert.match(error.hint, /wired to smp-frames-in with no device between/);
      assert.equal(channel.counters.garbage, 1);
    });
  });

  describe("tells of failures", () => {
    const failures = (link: FlowLink): Unanswerable[] => {
      const told: Unanswerable[] = [];
      link.watchUnanswerable((each) => told.push(each));
      return told;
    };
    const offline = (channel: FlowChannel, sender: Sender): void =>
      channel.take(readEnvelope({ error: { code: "404103", message: "device offline" } }), sender);

    it("of the request that the id names, or of all of the device", async () => {
      const { channel, out } = joined();
      const { link } = open(channel);
      const told = failures(link);
      await link.send(request(7), FOREVER);
      await link.send(request(8), FOREVER);
      offline(channel, { id: out[1]!.id });
      offline(channel, { device: "sensor-1" });
      assert.deepEqual(
        told.map(({ seq }) => seq),
        [8, undefined],
      );
      assert.equal(told[0]!.error.message, "the far end of flow:sensor-1 says: device offline (404103)");
    });
  });

  describe("lets messages leave", () => {
    it("not faster than the rate, those of all devices together", async () => {
      const { channel, out } = joined({ messagesPerSecond: 2 });
      const [one, other] = [open(channel).link, open(channel, "sensor-2").link];
      for (let seq = 0; seq < 4; seq++) void [one, other][seq % 2]!.send(request(seq), FOREVER);
      await time.pass(0);
      for (const count of [2, 3, 4]) {
        await time.pass(499);
        assert.equal(out.length, count - 1);
        await time.pass(1);
        assert.equal(out.length, count);
      }
      assert.deepEqual(
        out.map(({ seq }) => seq),
        [0, 1, 2, 3],
      );
    });

    it("when the one before was acknowledged, answered or refused, or its time is up", async () => {
      const settle: ((channel: FlowChannel, last: OutgoingFrame) => void)[] = [
        (channel, { id }) => channel.take({ kind: "ack" }, { id }),
        (channel) => channel.take({ kind: "ack" }),
        (channel, { id, seq }) => give(channel, [answer(seq)], { id }),
        (channel, { id }) => channel.take(readEnvelope({ error: "busy" }), { id }),
        () => void time.pass(30_000),
      ];
      const { channel, out } = joined({ waitForAck: true, maxRoundTripMs: 30_000 });
      const { link } = open(channel);
      for (let seq = 0; seq <= settle.length; seq++) void link.send(request(seq), FOREVER);
      for (const [index, free] of settle.entries()) {
        await time.pass(1_000);
        assert.equal(out.length, index + 1);
        free(channel, out.at(-1)!);
        await time.pass(index === settle.length - 1 ? 30_000 : 0);
        assert.equal(out.length, index + 2);
      }
      assert.deepEqual([channel.counters.acknowledged, channel.counters.unacknowledged], [2, 1]);
    });

    it("without those that nobody waits for any more", async () => {
      const { channel, out } = joined({ waitForAck: true });
      const [one, other] = [open(channel).link, open(channel, "sensor-2").link];
      await one.send(request(1), FOREVER);
      const gone = new AbortController();
      const aborted = assert.rejects(one.send(request(2), gone.signal), { code: "SMP_ABORTED" });
      const closed = assert.rejects(one.send(request(3), FOREVER), { code: "SMP_LINK_LOST" });
      void other.send(request(4), FOREVER);
      gone.abort();
      await one.close();
      await Promise.all([aborted, closed]);
      channel.take({ kind: "ack" });
      await time.pass(0);
      assert.deepEqual(
        out.map(({ seq }) => seq),
        [1, 4],
      );
      assert.equal(channel.waiting, 0);
    });
  });

  describe("knows from gateways", () => {
    const tell = (channel: FlowChannel, facts: Parameters<typeof presenceEnvelope>[0]): void =>
      channel.take({ kind: "presence", presence: presenceEnvelope(facts) });

    it("how large frames to a device may be", () => {
      const { channel } = joined();
      tell(channel, { gateway: "gw-1", device: "sensor-1", state: "reachable", maxFrameBytes: 244 });
      assert.equal(open(channel).link.maxFrameBytes, 244);
      assert.equal(open(channel, "sensor-2").link.maxFrameBytes, 4096);
    });

    it("which devices there are, without those of a gateway that is gone", () => {
      const { channel } = joined();
      tell(channel, { gateway: "gw-1", device: "sensor-1", state: "open" });
      tell(channel, { gateway: "gw-2", device: "sensor-2", state: "unreachable" });
      const names = (): string[] => channel.found().map(({ device }) => device);
      assert.deepEqual(names(), ["sensor-1", "sensor-2"]);
      tell(channel, { gateway: "gw-1", state: "offline" });
      assert.deepEqual(names(), ["sensor-2"]);
    });
  });

  it("refuses messages that hold no request", () => {
    const { channel } = joined({ maxMessageBytes: 64 }, undefined, "envelope");
    const error = refusal(() => void channel.open("a-device-with-quite-a-long-name"));
    assert.equal(error.code, "SMP_BAD_SETTING");
    assert.equal(error.details.field, "maxMessageBytes");
  });
});
