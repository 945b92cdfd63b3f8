import assert from "node:assert/strict";
import { join } from "node:path";
import { coreNode, packageDir } from "../node-red";
import { deviceOf, stateOf } from "./device";
import { node, probe, RunningFlow, tab, type Msg } from "./flow";
import { flowOf, NEW, OLD, POOL, to, verdictsOf } from "./update-flow";

describe("the update node", () => {
  let flow: RunningFlow | undefined;
  const load = async (properties: object = {}): Promise<RunningFlow> =>
    (flow = await RunningFlow.load(flowOf(properties)));
  afterEach(() => flow?.end());

  it("updates a device and tells the verdict with the evidence", async () => {
    const running = await load();
    const msg = await running.ask("up", { ...to("one"), topic: "door" });
    const { ok, counts, devices } = msg["payload"];
    assert.deepEqual([ok, counts, devices.length], [true, { confirmed: 1 }, 1]);
    assert.deepEqual([msg.smp.verdict, msg.smp.device, msg.smp.firmware.version], ["confirmed", "one", "1.5.0"]);
    assert.deepEqual([msg["topic"], msg.smp.images[0].version], ["door", "1.5.0"]);
    assert.equal(devices[0].evidence.images[0].outcome, "uploaded");
    assert.equal(stateOf(deviceOf(POOL, "one")), NEW);
    assert.equal(running.texts("up").at(-1), "confirmed");
  });

  it("reports progress that rises to 100, and where the point of no return is", async () => {
    const running = await load();
    await running.ask("up", to("one"));
    const progress = running.all("up progress");
    const percents = progress.map(({ payload }) => payload as number);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.equal(percents.at(-1), 100);
    assert.ok(progress.every(({ smp }) => smp.device === "one" && typeof smp.noReturn === "boolean"));
  });

  it("updates a list, with a verdict for each device, and no error", async () => {
    const running = await load();
    const msg = await running.ask("up", to(["one", { device: "bad" }, "two"]));
    assert.deepEqual(verdictsOf(msg), [
      ["one", "confirmed"],
      ["bad", "reverted"],
      ["two", "confirmed"],
    ]);
    assert.deepEqual([msg["payload"].ok, msg.smp.device, msg.smp.verdict], [false, undefined, undefined]);
    assert.equal(stateOf(deviceOf(POOL, "bad")), OLD);
    assert.deepEqual(running.all("up error"), []);
    const last = running.all("up progress").at(-1)!;
    assert.deepEqual([last["payload"], last.smp.device, last.smp.devices.total], [100, undefined, 3]);
    assert.equal(running.texts("up").at(-1), "2 of 3 updated");
  });

  it("gives the failure of a single device as an error, with the evidence", async () => {
    const running = await load();
    const msg = await running.ask("up", to("bad"), "up error");
    assert.deepEqual(
      [msg.error.code, msg.smp.error.code, msg.smp.verdict],
      ["SMP_REVERTED", "SMP_REVERTED", "reverted"],
    );
    assert.equal(msg["payload"].devices[0].evidence.steps.at(-1).step, "reset");
    assert.deepEqual(running.all("up result"), []);
  });

  it("stops after a canary has failed", async () => {
    const running = await load({ canary: "1" });
    const msg = await running.ask("up", to(["bad", "one", "two"]));
    assert.deepEqual(msg["payload"].counts, { reverted: 1, "not-started": 2 });
    assert.equal(msg["payload"].stoppedBecause, "a device has failed");
    assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
  });

  for (const [how, properties, msg] of [
    ["its setting", { dryRun: true }, {}],
    ["msg.action", {}, { action: "plan" }],
  ] as const) {
    it(`only plans in a dry run, by ${how}`, async () => {
      const running = await load(properties);
      const { payload } = await running.ask("up", { ...to(["one", "two"]), ...msg });
      assert.equal(payload.dryRun, true);
      for (const { plan } of payload.devices) {
        assert.equal(plan.outcome, "update");
        assert.match(plan.because, /^1\.0\.0 runs: 1\.5\.0 is uploaded/);
        assert.ok(plan.steps.every(({ reason }: { reason: string }) => reason !== ""));
      }
      assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
      assert.equal(running.texts("up").at(-1), "planned");
    });
  }

  for (const [passed, verdict, state] of [
    [true, "confirmed", NEW],
    [false, "reverted", OLD],
  ] as const) {
    it(`asks the flow at its gate, which says ${passed}`, async () => {
      const running = await load({ gate: true, revertAtOnce: true });
      const question = await running.ask("up", to(["one", "two"]), "up gate");
      assert.deepEqual([question.smp.gate, question.smp.verdict, question.smp.pool], ["asked", "testing", "pool"]);
      await running.next("up gate");
      assert.equal(stateOf(deviceOf(POOL, question["payload"].device)), "1.5.0 active, 1.0.0 confirmed");
      running.put("up", { smp: { ...question.smp, gate: passed } });
      running.put("up", { smp: { gate: passed } });
      const msg = await running.next("up result");
      assert.deepEqual(msg["payload"].counts, { [verdict]: 2 });
      for (const device of ["one", "two"]) assert.equal(stateOf(deviceOf(POOL, device)), state);
    });
  }

  it("leaves a trial alone whose gate was not answered in time", async () => {
    const running = await load({ gate: true, gateS: "1" });
    const msg = await running.ask("up", to("one"));
    assert.deepEqual(
      [msg["payload"].ok, msg.smp.verdict, msg["payload"].devices[0].evidence.gate.answer],
      [false, "testing", "expired"],
    );
    const late = await running.ask("up", to("one", { gate: true }), "up error");
    assert.deepEqual([late.error.code, late.smp.error.field], ["SMP_BAD_INPUT", "msg.smp.gate"]);
  });

  it("takes the late answer to one trial for no answer to the next one", async () => {
    const running = await load({ gate: true, revertAtOnce: true });
    const first = await running.ask("up", to("one"), "up gate");
    running.put("up", { smp: { ...first.smp, gate: false } });
    assert.equal((await running.next("up result")).smp.verdict, "reverted");
    const second = await running.ask("up", to("one"), "up gate");
    const late = await running.ask("up", { smp: { ...first.smp, gate: true } }, "up error");
    assert.match(late.error.message, /no update of one waits for an answer/);
    assert.equal(stateOf(deviceOf(POOL, "one")), "1.5.0 active, 1.0.0 confirmed");
    running.put("up", { smp: { ...second.smp, gate: true } });
    assert.equal((await running.next("up result")).smp.verdict, "confirmed");
  });

  it("says what is no answer", async () => {
    const running = await load({ gate: true });
    const msg = await running.ask("up", to("one", { gate: "asked" }), "up error");
    assert.match(msg.error.message, /msg\.smp\.gate must be true to confirm or false to revert/);
  });

  it("lets the flow look at a device on trial before it answers", async () => {
    const nodes = flowOf({ gate: true });
    const update = nodes.find(({ id }) => id === "up")!;
    update.wires = [["up result"], [], ["look"], ["up error"]];
    const state = node("look", "smp-image-state", { firmware: "", firmwareType: "none" }, [["decide"], [], []]);
    const rule = { t: "set", p: "smp.gate", pt: "msg", to: "payload[0].version = '1.5.0'", tot: "jsonata" };
    const decide = node("decide", "change", { rules: [rule] }, [["up"]]);
    const running = (flow = await RunningFlow.load([...nodes, state, decide], coreNode("function/15-change")));
    const msg = await running.ask("up", to("one"));
    assert.equal(msg.smp.verdict, "confirmed");
  });

  it("refuses a gate to which nobody can answer", async () => {
    const nodes = flowOf({ gate: true });
    nodes.find(({ id }) => id === "up")!.wires = [["up result"], [], [], ["up error"]];
    const running = (flow = await RunningFlow.load(nodes));
    const msg = await running.ask("up", to("one"), "up error");
    assert.deepEqual([msg.error.code, msg.smp.error.field], ["SMP_BAD_SETTING", "gate"]);
  });

  const wrong: [string, object, Msg, string, RegExp][] = [
    ["no device", {}, { smp: {} }, "SMP_BAD_INPUT", /no device is given \(msg\.smp\.device\)/],
    ["an empty list", {}, to([]), "SMP_BAD_INPUT", /list of 1 to/],
    ["what is no device", {}, to(7), "SMP_BAD_INPUT", /^device must be a text.*, got 7 \(msg\.smp\.device\)$/],
    ["what is none in a list", {}, to(["one", {}]), "SMP_BAD_INPUT", /got an object \(msg\.smp\.device\[1\]\)$/],
    ["an empty name", {}, to(["one", { device: "" }]), "SMP_BAD_INPUT", /got "" \(msg\.smp\.device\[1\]\.device\)$/],
    [
      "to stop what is no device",
      {},
      { ...to([7]), action: "abort" },
      "SMP_BAD_INPUT",
      /^msg\.smp\.device\[0\] must be/,
    ],
    ["an unknown device", {}, to("nobody"), "SMP_UNKNOWN_DEVICE", /nobody/],
    ["an unknown policy", { goal: "hope" }, to("one"), "SMP_BAD_SETTING", /goal must be one of/],
    ["a wrong limit", { limit: "none" }, to("one"), "SMP_BAD_SETTING", /limit must be a whole number/],
    [
      "another file than expected",
      { sha256: "00".repeat(32), sha256Type: "str" },
      to("one"),
      "SMP_WRONG_FILE",
      /SHA-256/,
    ],
    [
      "an unknown action",
      {},
      { ...to("one"), action: "hurry" },
      "SMP_BAD_INPUT",
      /"abort" or "pause" or "resume" or "plan"/,
    ],
    ["no pool", { pool: "" }, to("one"), "SMP_NO_POOL", /msg\.smp\.pool/],
  ];
  for (const [what, properties, msg, code, says] of wrong) {
    it(`refuses ${what}`, async () => {
      const running = await load(properties);
      const { error } = await running.ask("up", msg, "up error");
      assert.equal(error.code, code);
      assert.match(error.message, says);
      assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
    });
  }

  it("sends nothing that is not signed by one of the pool's keys", async () => {
    const keys = join(packageDir, "test/images/rsa-2048.pub.pem");
    const nodes = flowOf().map((each) => (each.id === "pool" ? { ...each, keys } : each));
    const running = (flow = await RunningFlow.load(nodes));
    const { error } = await running.ask("up", to("one"), "up error");
    assert.equal(error.code, "SMP_BAD_SIGNATURE");
    assert.equal(stateOf(deviceOf(POOL, "one")), "1.0.0 active confirmed");
  });

  it("takes the pool of the message when it has none of its own", async () => {
    const running = await load({ pool: "" });
    const msg = await running.ask("up", to("one", { pool: "pool" }));
    assert.equal(msg.smp.verdict, "confirmed");
  });

  it("does not begin a device twice at once", async () => {
    const running = await load({ gate: true });
    running.put("up", to("one"));
    const question = await running.next("up gate");
    const twice = await running.ask("up", to(["two", "one"]), "up error");
    assert.equal(twice.error.code, "SMP_BUSY");
    running.put("up", { smp: { ...question.smp, gate: true } });
    assert.equal((await running.next("up result")).smp.verdict, "confirmed");
  });

  it("ends with its node, and leaves a trial to revert", async () => {
    const running = await load({ gate: true });
    running.put("up", to("one"));
    await running.next("up gate");
    await running.deploy([tab, POOL, probe("up result"), probe("up error")]);
    assert.deepEqual([running.all("up result"), running.all("up error")], [[], []]);
    assert.equal(stateOf(deviceOf(POOL, "one")), "1.5.0 active, 1.0.0 confirmed");
  });
});
