/** Requests from afar to devices of a pool, played by a gateway. */
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { sleep } from "../../src/clock";
import { AllowList } from "../../src/gateway/allow-list";
import { Gateway, type GatewayOptions } from "../../src/gateway/gateway";
import { decodeMessage, encodeMessage, type CborMap } from "../../src/smp/message";
import type { PoolOptions } from "../../src/session/pool";
import { useFakeTime } from "../session/fake-time";
import { Gate, makePool, operation, type ScriptedTransport } from "../session/scripted-transport";
import { zephyr } from "../session/scripted-link";
import type { SessionPool } from "../../src/session/types";

const request = (op: number, [group, id]: readonly [number, number], body: CborMap = {}, seq = 5): Uint8Array =>
  encodeMessage({ op, version: 1, group, id, seq, body });
const echo = (d: string, seq = 5): Uint8Array => request(2, [0, 0], { d }, seq);
const reset = (seq = 5): Uint8Array => request(2, [0, 5], {}, seq);
const body = (answer: Uint8Array): CborMap => decodeMessage(answer).body;

describe("a gateway that stood still", () => {
  let clock: Clock & { uninstall(): void };
  beforeEach(() => (clock = FakeTimers.install({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] })));
  afterEach(() => clock.uninstall());

  it("plays no write for a moment, as it may have lain in a socket since before", async () => {
    const { pool, transport } = makePool({});
    const gateway = new Gateway(pool);
    assert.ok(await gateway.play({ device: "a", frame: echo("1") }));
    clock.setSystemTime(Date.now() + 90_000);
    const late = gateway.play({ device: "a", frame: reset() });
    await assert.rejects(late, { code: "SMP_TIMEOUT", retryable: true, message: /stood still for 90 s/ });
    assert.equal(body(await gateway.play({ device: "a", frame: request(0, [1, 0]) }))["rc"], 8, "reads are played");
    clock.tick(2_000);
    await assert.rejects(gateway.play({ device: "a", frame: reset() }), { code: "SMP_TIMEOUT" });
    clock.tick(2_000);
    assert.ok(await gateway.play({ device: "a", frame: reset() }));
    assert.equal(transport.link("a").requests.filter(({ group, id }) => group === 0 && id === 5).length, 1);
    gateway.close();
    await pool.close();
    assert.equal(clock.countTimers(), 0);
  });
});

describe("a gateway", () => {
  let pool: SessionPool;
  let transport: ScriptedTransport;
  let gateway: Gateway;

  function start(options: GatewayOptions = {}, poolOptions: PoolOptions = {}): void {
    ({ pool, transport } = makePool(poolOptions));
    gateway = new Gateway(pool, options);
  }

  /** What reached the device, after the parameters with which each session begins. */
  const played = (name = "a"): number[] =>
    transport.links
      .filter((link) => link.name === name)
      .flatMap(({ link }) => link.requests.slice(1).map(({ id }) => id));

  afterEach(async () => {
    gateway.close();
    await pool.close();
  });

  it("plays a request and gives the answer with its sequence number", async () => {
    start();
    const answer = decodeMessage(await gateway.play({ device: "a", id: "1", frame: echo("hi", 200) }));
    assert.deepEqual([answer.seq, answer.body], [200, { r: "hi" }]);
  });

  it("keeps one session for requests that follow each other, and the order of those that come at once", async () => {
    start();
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(
      texts.map((text, index) => gateway.play({ device: "a", id: text, frame: echo(text, index) })),
    );
    assert.deepEqual(
      answers.map((answer) => body(answer)["r"]),
      texts,
    );
    assert.equal(transport.links.length, 1);
    assert.deepEqual(
      transport
        .link("a")
        .requests.slice(1)
        .map((sent) => sent.body["d"]),
      texts,
    );
  });

  it("serves several devices side by side", async () => {
    start();
    const answers = await Promise.all(["a", "b", "c"].map((device) => gateway.play({ device, frame: echo(device) })));
    assert.deepEqual(
      answers.map((answer) => body(answer)["r"]),
      ["a", "b", "c"],
    );
    assert.deepEqual(transport.stillOpen, ["a", "b", "c"]);
  });

  it("sends nothing that is not allowed to a device", async () => {
    start({ allow: new AllowList("os.echo") });
    await assert.rejects(gateway.play({ device: "a", frame: reset() }), { code: "SMP_NOT_ALLOWED" });
    await assert.rejects(gateway.play({ device: "a", frame: request(0, [1, 0]) }), /image\.readState .* not allowed/);
    await assert.rejects(gateway.play({ device: "a", frame: request(2, [64, 1]) }), /command 1 in group 64/);
    assert.deepEqual(transport.attempts, []);
  });

  it("serves the devices of its list only, by the names that the list gives them", async () => {
    start({ devices: [{ name: "pump", address: "C0:FF:EE" }, { name: "b" }] });
    assert.deepEqual(body(await gateway.play({ device: "pump", frame: echo("x") })), { r: "x" });
    assert.deepEqual(transport.attempts, ["C0:FF:EE"]);
    await assert.rejects(gateway.play({ device: "C0:FF:EE", frame: echo("x") }), {
      code: "SMP_UNKNOWN_DEVICE",
      message: /it serves pump, b/,
    });
  });

  it("plays a request once though its message comes twice, at once or later", async () => {
    start();
    transport.script = (sent) => (sent.id === 5 ? {} : zephyr(sent));
    const resetOnce = { device: "a", id: "x-1", frame: reset() };
    const [first, second] = await Promise.all([gateway.play(resetOnce), gateway.play(resetOnce)]);
    const third = await gateway.play(resetOnce);
    assert.deepEqual([second, third], [first, first]);
    assert.deepEqual(played(), [5]);
    await gateway.play({ ...resetOnce, id: "x-2" });
    assert.deepEqual(played(), [5, 5], "another request is another one");
  });

  it("plays a reading request again when it comes later, since the answer may be another", async () => {
    start();
    await gateway.play({ device: "a", id: "1", frame: request(0, [0, 6]) });
    await gateway.play({ device: "a", id: "1", frame: request(0, [0, 6]) });
    assert.deepEqual(played(), [6, 6]);
  });

  it("plays a request again that has failed", async () => {
    start();
    transport.opening = async () => {
      throw new Error("out of reach");
    };
    await assert.rejects(gateway.play({ device: "a", id: "1", frame: reset() }), {
      code: "SMP_LINK_OPEN",
      message: /out of reach/,
    });
    transport.opening = async () => {};
    await gateway.play({ device: "a", id: "1", frame: reset() });
    assert.deepEqual(played(), [5]);
  });

  it("opens a new session after a reset", async () => {
    start();
    await gateway.play({ device: "a", frame: reset() });
    await gateway.play({ device: "a", frame: echo("back") });
    assert.deepEqual(transport.attempts, ["a", "a"]);
  });

  it("waits while a node of the same pool works on the device, and says who it is when that lasts", async () => {
    start({ waitMs: 30 });
    const gate = new Gate();
    const local = pool.use("a", operation("upload"), () => gate.passed);
    await assert.rejects(gateway.play({ device: "a", frame: echo("x") }), { code: "SMP_BUSY", message: /upload .* a/ });
    gate.open();
    await local;
    assert.deepEqual(body(await gateway.play({ device: "a", frame: echo("x") })), { r: "x" });
  });

  it("does not play what got its turn when nobody waited for the answer any more", async () => {
    start();
    const gate = new Gate();
    const local = pool.use("a", operation("upload of app.bin"), () => gate.passed);
    const confirm = request(2, [1, 0], { confirm: true, hash: Buffer.alloc(32, 1) });
    const late = assert.rejects(gateway.play({ device: "a", id: "1", frame: confirm, withinMs: 1 }), {
      code: "SMP_TIMEOUT",
      message: /^image\.writeState was not played to a: .* nobody waited/,
      retryable: true,
    });
    const inTime = gateway.play({ device: "a", id: "2", frame: echo("x"), withinMs: 600_000 });
    await sleep(5);
    gate.open();
    await Promise.all([local, late]);
    assert.deepEqual(body(await inTime), { r: "x" });
    assert.equal(transport.link("a").requests.filter(({ group }) => group === 1).length, 0);
  });

  it("lets the nodes of the same pool at the device when no request comes for a while", async () => {
    start({ leaseMs: 20 });
    await gateway.play({ device: "a", frame: echo("x") });
    const order: string[] = [];
    const local = pool.use("a", operation("image state"), async () => void order.push("local"));
    assert.deepEqual(pool.status()[0]!.running, "remote");
    await local;
    await gateway.play({ device: "a", frame: echo("y") });
    assert.deepEqual(order, ["local"]);
    assert.equal(transport.links.length, 1, "the session is shared");
  });

  it("fails what is under way when the device is disconnected on purpose, and goes on afterwards", async () => {
    start();
    transport.script = (sent) => (sent.body["d"] === "stay" ? undefined : zephyr(sent));
    await gateway.play({ device: "a", frame: echo("x") });
    const waiting = gateway.play({ device: "a", frame: echo("stay") });
    await pool.disconnect("a");
    await assert.rejects(waiting, { code: "SMP_ABORTED", message: /on purpose/ });
    assert.deepEqual(body(await gateway.play({ device: "a", frame: echo("y") })), { r: "y" });
  });

  it("gives its devices back when it is closed", async () => {
    start();
    await gateway.play({ device: "a", frame: echo("x") });
    gateway.close();
    await pool.use("a", operation("local"), async () => {});
    assert.deepEqual(pool.status()[0]!.running, undefined);
  });

  it("stops waiting when its signal aborts", async () => {
    start();
    transport.script = (sent) => (sent.body["d"] === "stay" ? undefined : zephyr(sent));
    const controller = new AbortController();
    const waiting = gateway.play({ device: "a", frame: echo("stay") }, controller.signal);
    controller.abort();
    await assert.rejects(waiting, { code: "SMP_ABORTED" });
  });

  it("takes no more requests than it can keep", async () => {
    start();
    transport.script = (sent) => (sent.body["d"] === "stay" ? undefined : zephyr(sent));
    const all = Array.from({ length: 70 }, (_, index) =>
      gateway.play({ device: "a", id: `${index}`, frame: echo("stay") }),
    );
    const codes = Promise.all(all.map((one) => one.catch((error: { code: string }) => error.code)));
    const last = await all.at(-1)!.catch((error: { code: string }) => error.code);
    assert.equal(last, "SMP_QUEUE_FULL");
    await pool.close();
    assert.equal((await codes).filter((code) => code === "SMP_QUEUE_FULL").length, 6);
  });

  it("refuses what is no request", async () => {
    start();
    await assert.rejects(gateway.play({ device: "a", frame: Uint8Array.of(1) }), { code: "SMP_BAD_FRAME" });
    assert.deepEqual(transport.attempts, []);
  });

  describe("on a silent link", () => {
    const time = useFakeTime();

    it("tells what was not answered, and opens a new session for the next request", async () => {
      start({ allow: new AllowList("*") });
      transport.script = (sent) => (sent.group === 64 ? undefined : zephyr(sent));
      const first = gateway.play({ device: "a", frame: request(0, [64, 7]) });
      const refused = assert.rejects(first, { code: "SMP_TIMEOUT", message: /command 7 in group 64/ });
      await time.pass(10_000);
      await refused;
      await gateway.play({ device: "a", frame: echo("x") });
      assert.equal(transport.attempts.length, 2);
    });
  });
});
