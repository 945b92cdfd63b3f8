import assert from "node:assert/strict";
import { Gateway } from "../../src/gateway/gateway";
import { Presence } from "../../src/gateway/presence";
import { gatewayTopics } from "../../src/gateway/topics";
import { encodeMessage } from "../../src/smp/message";
import type { PresenceEnvelope } from "../../src/framing/envelope";
import { makePool, type ScriptedTransport } from "../session/scripted-transport";
import type { SessionPool } from "../../src/session/types";

const echo = encodeMessage({ op: 2, version: 1, group: 0, id: 0, seq: 1, body: { d: "x" } });

describe("presence", () => {
  let pool: SessionPool;
  let transport: ScriptedTransport;
  let gateway: Gateway;
  let presence: Presence;
  let told: PresenceEnvelope[];

  beforeEach(() => {
    told = [];
    ({ pool, transport } = makePool({ idleCloseMs: 5 }));
    presence = new Presence({ gateway: "gw-1", pool, onChange: (_, envelope) => told.push(envelope) });
    gateway = new Gateway(pool, { leaseMs: 1, onOpen: (device, session) => presence.follow(device, device, session) });
  });

  afterEach(async () => {
    presence.close();
    gateway.close();
    await pool.close();
  });

  const until = async (state: string): Promise<PresenceEnvelope> => {
    for (;;) {
      const last = told.at(-1);
      if (last?.state === state) return last;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  it("of a device tells what is known of the open link, and that it was closed again", async () => {
    await gateway.play({ device: "a", frame: echo });
    assert.deepEqual(told, [
      {
        v: 1,
        gateway: "gw-1",
        device: "a",
        state: "open",
        link: "scripted",
        maxFrameBytes: 2475,
        maxInFlight: 3,
        bufSize: 2475,
        bufCount: 4,
      },
    ]);
    assert.deepEqual(await until("reachable"), { v: 1, gateway: "gw-1", device: "a", state: "reachable" });
    assert.deepEqual(
      presence.ofDevices().map(({ presence: { state } }) => state),
      ["reachable"],
    );
  });

  it("of a device says why it cannot be reached", async () => {
    presence.follow("a", "a");
    assert.deepEqual(presence.ofDevices()[0]!.presence.state, "known");
    transport.opening = async () => {
      throw new Error("out of reach");
    };
    await assert.rejects(gateway.play({ device: "a", frame: echo }));
    const { message } = await until("unreachable");
    assert.match(String(message), /out of reach/);
  });

  it("of a device that is lost says so", async () => {
    await gateway.play({ device: "a", frame: echo });
    transport.link("a").lose();
    assert.match(String((await until("unreachable"))["message"]), /lost its power/);
  });

  it("of the gateway has a time", () => {
    assert.deepEqual(presence.ofGateway("online", new Date(0)), {
      v: 1,
      gateway: "gw-1",
      state: "online",
      at: "1970-01-01T00:00:00.000Z",
    });
  });

  it("goes to topics in which a name is one level, whatever is in it", () => {
    const topics = gatewayTopics("north/1");
    assert.equal(topics.request, "smp/v1/north%2F1/request");
    assert.equal(topics.device("a#b+c"), "smp/v1/north%2F1/device/a%23b%2Bc/presence");
  });
});
