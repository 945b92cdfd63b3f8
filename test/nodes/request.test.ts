import assert from "node:assert/strict";
import { describeCommands } from "../../src/index";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

/** By the type of a key. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  text: "a",
  "an unsigned integer": 0,
  "a byte string": { $bytes: "AA==" },
  "a list": ["help"],
};
const target = { pool: "pool", device: "sensor-1" };
const named = (command: string, request: string, more: object = {}): object => ({
  command,
  commandType: "str",
  request,
  requestType: "json",
  ...more,
});

describe("smp request", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const load = async (config: object, poolConfig: object = {}): Promise<void> => {
    flow = await RunningFlow.load([
      tab,
      pool(poolConfig),
      ...surrounded("request", "smp-request", config),
      ...surrounded("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg" }),
    ]);
  };
  const ask = (msg: Msg = {}, at?: string): Promise<Msg> =>
    flow.ask("request", { smp: target, topic: "t", ...msg }, at);

  /** At whichever output. */
  async function endOf(msg: Msg): Promise<Msg> {
    const topic = String((marks += 1));
    const end = (): Msg | undefined =>
      ["result", "error"].flatMap((each) => flow.all(`request ${each}`)).find((each) => each["topic"] === topic);
    flow.put("request", { ...msg, topic });
    await flow.until(`the end of request ${topic}`, () => end() !== undefined);
    return end()!;
  }
  let marks = 0;

  it("sends a command by its name and gives the answer", async () => {
    await load(named("os.echo", '{"d":"hello"}'));
    const msg = await ask();
    assert.deepEqual(msg["payload"], { r: "hello" });
    assert.deepEqual(msg.smp, { ...target, request: { command: "os.echo", op: "write", group: 0, id: 0 } });
    assert.equal(msg["topic"], "t");
    assert.equal(flow.texts("request").at(-1), "answered");
  });

  it("gives byte strings as Buffers", async () => {
    await load(named("image.readState", ""));
    const { images } = (await ask())["payload"];
    assert.equal(images[0].version, "1.0.0");
    assert.ok(Buffer.isBuffer(images[0].hash));
    assert.equal(images[0].hash.length, 32);
  });

  it("takes command and request from the message", async () => {
    await load({ command: "command", commandType: "msg", request: "payload", requestType: "msg" });
    assert.deepEqual((await ask({ command: "os.echo", payload: { d: "1" } }))["payload"], { r: "1" });
    const raw = { op: "write", group: 0, id: 0, repeatable: true };
    assert.deepEqual((await ask({ command: raw, payload: { d: "2" } }))["payload"], { r: "2" });
    // RFC 8949: {"d": "3"}
    assert.deepEqual((await ask({ command: raw, payload: Buffer.from("a161646133", "hex") }))["payload"], { r: "3" });
    const wrong = await ask({ command: { ...raw, group: -1 }, payload: {} }, "request error");
    assert.match(wrong.error.message, /^group must be .*\(msg\.command\.group\)/);
    assert.equal((await ask({ command: 7, payload: {} }, "request error")).smp.error.field, "msg.command");
    assert.equal((await ask({ payload: {} }, "request error")).smp.error.field, "msg.command");
    const text = await ask({ command: "os.echo", payload: { d: 1 } }, "request error");
    assert.match(text.error.message, /msg\.payload\.d: expected text/);
  });

  it("sends every command of the table, by its name and by its numbers, with a request in JSON", async () => {
    await load({ command: "command", commandType: "msg", request: "payload", requestType: "msg" });
    const device = deviceOf(pool());
    const reached: string[] = [];
    device.faults.add(({ command }) => void (command && reached.push(command.name)));
    for (const { name, op, group, id, request } of describeCommands()) {
      const needed = request.filter(({ isOptional }) => !isOptional);
      const payload = Object.fromEntries(needed.map(({ key, type }) => [key, EXAMPLES[type]]));
      for (const command of [name, { op, group, id }]) {
        reached.length = 0;
        const { boots } = device;
        const { smp, error } = await endOf({ smp: target, command, payload: structuredClone(payload) });
        assert.ok(reached.includes(name), `${name} has reached the device`);
        // What the device's firmware does not have, it refuses.
        if (error) assert.deepEqual([error.code, typeof smp.error.rc], ["SMP_DEVICE", "number"], name);
        else assert.deepEqual([smp.request.op, smp.request.group, smp.request.id], [op, group, id]);
        if (name === "os.reset")
          await flow.until("the end of the reboot", () => device.boots > boots && device.state === "application");
      }
    }
  });

  it("sends a raw command by its numbers", async () => {
    await load(named("raw", '{"d":"raw"}', { op: "write", group: "0", commandId: "0", timeoutMs: "500" }));
    assert.deepEqual((await ask())["payload"], { r: "raw" });
  });

  it("gives a refusal as an error with the code and its meaning", async () => {
    await load(named("raw", "{}", { op: "read", group: 64, commandId: 1 }));
    const { error, smp } = await ask({}, "request error");
    assert.equal(error.code, "SMP_DEVICE");
    assert.deepEqual([smp.error.rc, smp.error.rcName], [8, "ENOTSUP"]);
    assert.match(error.message, /^read group 64 id 1 was refused: .*rc 8 ENOTSUP/);
  });

  it("erases a slot", async () => {
    await load(named("image.erase", '{"slot":1}'));
    await flow.ask("upload", { smp: target, firmware: "sample:1.5.0" });
    const device = deviceOf(pool());
    assert.equal(stateOf(device), "1.0.0 active confirmed, 1.5.0");
    await ask();
    assert.equal(stateOf(device), "1.0.0 active confirmed");
  });

  it("waits for its turn while an upload runs", async () => {
    await load(named("image.erase", "{}"), { pace: "brisk" });
    flow.put("upload", { smp: target, firmware: "test/images/hash-only-2.0.0+77.bin" });
    await flow.until("progress", () => (flow.all("upload progress").at(-1)?.["payload"] ?? 0) > 0);
    flow.put("request", { smp: target });
    assert.equal((await flow.next("upload result"))["payload"].outcome, "uploaded");
    await flow.next("request result");
    assert.equal(
      stateOf(deviceOf(pool({ pace: "brisk" }))),
      "1.0.0 active confirmed",
      "erased after the upload, not in its midst",
    );
  });

  for (const [config, field] of [
    [named("os.wipe", "{}"), "command"],
    [named("os.echo", "{"), "request"],
    [named("os.echo", "{}"), "request"],
    [named("os.echo", '{"d":""}', { timeoutMs: "1" }), "timeoutMs"],
    [named("raw", "{}", { op: "read", group: "x", commandId: 0 }), "group"],
  ] as const) {
    it(`refuses a wrong ${field} before it connects: ${JSON.stringify(config)}`, async () => {
      await load(config);
      const { smp } = await ask({}, "request error");
      assert.match(smp.error.code, /^SMP_BAD_(INPUT|SETTING)$/);
      assert.equal(smp.error.field, field);
      assert.ok(!flow.texts("request").includes("connecting"));
    });
  }
});
