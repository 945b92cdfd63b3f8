/** A list of devices as an integrator has it: not all are well. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { commands } from "../../src/index";
import { nth, only } from "../../src/device/faults";
import { buildImage } from "../build-image";
import { readFileSync } from "node:fs";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, type Msg } from "./flow";
import { flowOf, IMAGE, NEW, OLD, to, verdictsOf } from "./update-flow";

const NAMES = ["good", "fine", "off", "full", "picky", "crashing"];
const POOL = pool({
  attempts: "1",
  devices: NAMES.map((name) => ({ name, trial: name === "crashing" ? "crashing" : "healthy" })),
});
const UNTOUCHED = "1.0.0 active confirmed";

describe("an update node with a list of devices", () => {
  let flow: RunningFlow | undefined;
  const nodes = (properties: object, settings: object = {}) => [
    ...flowOf(properties).map((each) => (each.id === "pool" ? { ...POOL, ...settings } : each)),
    ...surrounded("upload", "smp-upload", { firmware: "firmware", firmwareType: "msg" }),
    ...surrounded("test", "smp-test", { hash: "smp.firmware.hash", hashType: "msg" }),
  ];
  const load = async (properties: object = {}, settings: object = {}): Promise<RunningFlow> =>
    (flow = await RunningFlow.load(nodes(properties, settings)));
  afterEach(() => flow?.end());
  const states = (...names: string[]): string[] => names.map((name) => stateOf(deviceOf(POOL, name)));

  it("gives each its verdict, what happened and what to do: one is off, one is in use, one is picky, one crashes", async () => {
    const running = await load();
    deviceOf(POOL, "off").powerOff();
    const other = { smp: { pool: "pool", device: "full" }, firmware: "test/images/hash-only-2.0.0+77.bin" };
    await running.ask("test", await running.ask("upload", other));
    const picky = deviceOf(POOL, "picky");
    const spoil = (): void => picky.store.slot(0, 1).write(3_000, new Uint8Array(16));
    picky.faults.add(only(commands.os.reset, nth(1, spoil)));
    const msg = await running.ask("up", to(["good", "off", "full", "picky", "crashing"]));
    const rows = msg["payload"].devices.map(({ device, ok, verdict, error }: Msg) => [
      device,
      ok,
      verdict,
      error?.code,
    ]);
    assert.deepEqual(rows, [
      ["good", true, "confirmed", undefined],
      ["off", false, "failed", "SMP_LINK_OPEN"],
      ["full", false, "failed", "SMP_IMAGE_PENDING"],
      ["picky", false, "rejected-by-bootloader", "SMP_REJECTED_BY_BOOTLOADER"],
      ["crashing", false, "reverted", "SMP_REVERTED"],
    ]);
    for (const { device, because, error } of msg["payload"].devices.slice(1)) {
      assert.ok(because.length > 20 && error.hint.length > 20, `${device}: ${because}`);
      assert.equal(error.device, device);
    }
    assert.deepEqual(msg["payload"].counts, { confirmed: 1, failed: 2, "rejected-by-bootloader": 1, reverted: 1 });
    assert.deepEqual(states("good", "off", "full", "picky", "crashing"), [
      NEW,
      UNTOUCHED,
      "1.0.0 active confirmed, 2.0.0.77 pending",
      UNTOUCHED,
      OLD,
    ]);
    assert.equal(running.texts("up").at(-1), "1 of 5 updated");
  });

  it("tries two of them first, and leaves the rest alone when one of these fails", async () => {
    const running = await load({ canary: "2", maxFailures: "1" });
    const { payload } = await running.ask("up", to(["good", "crashing", "fine", "picky"]));
    assert.deepEqual(payload.counts, { confirmed: 1, reverted: 1, "not-started": 2 });
    assert.match(payload.stoppedBecause, /a device has failed/);
    assert.deepEqual(states("fine", "picky"), [UNTOUCHED, UNTOUCHED]);
  });

  it("confirms what passes the gate, and neither what is refused there nor what nobody answers for", async () => {
    const running = await load({ gate: true, gateS: "1" });
    running.put("up", to(["good", "fine", "picky"]));
    for (const _ of [1, 2, 3]) await running.next("up gate");
    running.put("up", to("good", { gate: true }));
    running.put("up", to("fine", { gate: false }));
    const msg = await running.next("up result");
    const answers = msg["payload"].devices.map(({ ok, verdict, evidence }: Msg) => [ok, verdict, evidence.gate.answer]);
    assert.deepEqual(answers, [
      [true, "confirmed", "passed"],
      [false, "testing", "declined"],
      [false, "testing", "expired"],
    ]);
    const onTrial = "1.5.0 active, 1.0.0 confirmed";
    assert.deepEqual(states("good", "fine", "picky"), [NEW, onTrial, onTrial]);
    deviceOf(POOL, "fine").reboot();
    await running.until("the revert", () => stateOf(deviceOf(POOL, "fine")) === OLD);
  });

  it("serves all from one stream, and a device once that is named twice", async () => {
    const running = await load({ firmware: "firmware", firmwareType: "msg" });
    const firmware = Readable.from([readFileSync(IMAGE)]);
    const { payload } = await running.ask("up", { ...to(["good", { device: "fine" }, "good", " good "]), firmware });
    const served = payload.devices.map(({ device, evidence }: Msg) => [device, evidence.images[0].servedFrom]);
    assert.deepEqual(served, [
      ["good", "spool"],
      ["fine", "spool"],
    ]);
  });

  for (const [versions, verdict] of [
    ["any", "confirmed"],
    ["not-older", "confirmed"],
    ["newer", "refused-downgrade"],
  ] as const) {
    it(`installs another build of the same version where versions are "${versions}": ${verdict}`, async () => {
      const running = await load({ versions, firmware: "firmware", firmwareType: "msg" });
      const build = (payloadBytes: number): Buffer => buildImage({ version: "1.0.0", payloadBytes });
      const msg = await running.ask("up", { ...to(["good"]), firmware: build(3_000) });
      assert.deepEqual(verdictsOf(msg), [["good", verdict]]);
      const { error } = msg["payload"].devices[0];
      assert.equal(error?.code, verdict === "confirmed" ? undefined : "SMP_NOT_NEWER");
      const again = await running.ask("up", { ...to(["good"]), firmware: build(3_000) });
      if (verdict === "confirmed") assert.deepEqual(verdictsOf(again), [["good", "already-current"]]);
    });
  }

  for (const [goal, steps] of [
    ["test-and-confirm", "upload test reset verify confirm"],
    ["test", "upload test reset verify"],
    ["confirm", "upload permanent reset verify"],
    ["upload", "upload"],
  ] as const) {
    it(`plans the policy "${goal}", and does just that`, async () => {
      const running = await load({ goal });
      const writes: string[] = [];
      deviceOf(POOL, "good").faults.add(({ command }) => void (command?.op === "write" && writes.push(command.name)));
      const planned = await running.ask("up", { ...to(["good"]), action: "plan" });
      const { plan } = planned["payload"].devices[0];
      assert.equal(plan.steps.map(({ step }: Msg) => step).join(" "), steps);
      assert.deepEqual([plan.goal, writes, states("good")], [goal, [], [UNTOUCHED]]);
      const { evidence, ok } = (await running.ask("up", to(["good"])))["payload"].devices[0];
      assert.deepEqual([ok, evidence.steps.map(({ step }: Msg) => step).join(" ")], [true, steps]);
    });
  }

  it("goes on where it was, after a deploy in its midst", async () => {
    const brisk = { pace: "brisk" };
    const large = { firmware: "test/images/hash-only-2.0.0+77.bin", limit: "2" };
    const running = await load(large, brisk);
    const list = ["good", "fine", "picky"];
    running.put("up", to(list));
    const sent = (): boolean => {
      const phases: Msg[] = running.all("up progress").at(-1)?.smp.running ?? [];
      return phases.length === 2 && phases.every(({ off }) => off > 0);
    };
    await running.until("the midst of two uploads", sent);
    await running.deploy(nodes({ ...large, limit: "3" }, brisk), "nodes");
    assert.deepEqual([running.all("up result"), running.all("up error")], [[], []]);
    const { payload } = await running.ask("up", to(list));
    assert.deepEqual(payload.counts, { confirmed: 3 });
    const resumed = payload.devices.map(({ evidence }: Msg) => evidence.images[0].resumedFromBytes > 0);
    assert.deepEqual(resumed, [true, true, false]);
  });
});
