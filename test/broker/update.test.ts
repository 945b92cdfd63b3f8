/** Updates through a real broker: one Node-RED steers, two have the devices. */
import assert from "node:assert/strict";
import { DeviceProcess } from "../device-process";
import { packageDir, type FlowNode } from "../node-red";
import { NodeRedProcess } from "../node-red-process";
import { BrokerProcess } from "./broker-process";
import { gatewayFlow, steeringFlow, type Line } from "./flows";

const FIRMWARE = "sample:1.5.0";
const VERSION = "1.5.0";

/** Small messages make many of them. */
const SMALL = { flowMaxMessage: 700 };
const LINES: readonly Line[] = [
  { name: "plain" },
  { name: "slow", delayMs: [200, 2000] },
  { name: "lossy", lostPercent: 5, doubledPercent: 5, reorderedPercent: 5, pool: { ...SMALL, flowRoundTripS: 3 } },
  { name: "steady", delayMs: [100, 100], pool: SMALL },
];

interface Slot {
  readonly version: string;
  readonly hash: string;
  readonly active: boolean;
  readonly confirmed: boolean;
}

interface Outcome {
  readonly images?: readonly Slot[];
  readonly verdict?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

const names = (gateway: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${gateway}-${index + 1}`);

describe("updates through a broker", function () {
  this.timeout(180_000);
  let broker: BrokerProcess;
  let steering: NodeRedProcess;
  const gateways = new Map<string, NodeRedProcess>();
  /** Those that take their time, begun at once. */
  const slow = new Map<string, Promise<Outcome>>();
  const lossy = new Map<string, Promise<Outcome>>();

  before(async () => {
    broker = await BrokerProcess.start();
    const virtual = (gateway: string): object => ({
      link: "virtual",
      pace: "instant",
      devices: names(gateway, 20).map((name) => ({ name, trial: "healthy" })),
    });
    await Promise.all([
      ...["a", "b"].map(async (name) => {
        gateways.set(
          name,
          await startNodeRed(gatewayFlow(broker.port, name, virtual(name), names(name, 20).join("\n"))),
        );
      }),
      startNodeRed(steeringFlow(broker.port, LINES)).then((started) => (steering = started)),
    ]);
    for (const device of ["a-12", "b-12"]) slow.set(device, update("slow", device));
    for (const device of ["a-13", "a-14", "b-13", "b-14"]) lossy.set(device, update("lossy", device));
  });

  afterEach(function () {
    if (this.currentTest?.isFailed()) console.log(steering?.log.slice(-6000));
  });

  after(async () => {
    await Promise.all([steering?.stop(), ...[...gateways.values()].map((gateway) => gateway.stop())]);
    await broker?.kill();
  });

  async function update(line: string, device: string): Promise<Outcome> {
    const response = await steering.fetch(line, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ device, firmware: FIRMWARE }),
    });
    return (await response.json()) as Outcome;
  }

  /** As a node beside the device sees it: MCUboot's hash proves the bytes. */
  async function stateAtGateway(device: string, address = device): Promise<Slot[]> {
    return await gateways.get(device.split("-")[0]!)!.json<Slot[]>(`state/${address}`);
  }

  async function assertUpdated(device: string, outcome: Outcome, address?: string): Promise<void> {
    assert.deepEqual([outcome.error, outcome.verdict], [undefined, "confirmed"], device);
    const runs = (await stateAtGateway(device, address)).find(({ active }) => active)!;
    assert.deepEqual([runs.version, runs.confirmed], [VERSION, true], device);
    assert.equal(runs.hash, outcome.images!.find(({ active }) => active)!.hash);
  }

  /** Updated, or with an error that has a code and words, on what it ran before. */
  async function assertNoneWorse(device: string, outcome: Outcome): Promise<void> {
    if (!outcome.error) return assertUpdated(device, outcome);
    assert.match(outcome.error.code, /^SMP_/);
    assert.ok(outcome.error.message.length > 20, outcome.error.message);
    const runs = (await stateAtGateway(device)).find(({ active }) => active)!;
    assert.ok(["1.0.0", VERSION].includes(runs.version), runs.version);
  }

  it("ends confirmed for one device", async () => {
    await assertUpdated("a-1", await update("plain", "a-1"));
  });

  it("ends confirmed for twenty devices behind two gateways, side by side", async () => {
    const devices = [...names("a", 11).slice(1), ...names("b", 10)];
    const outcomes = await Promise.all(devices.map((device) => update("plain", device)));
    for (const [index, device] of devices.entries()) await assertUpdated(device, outcomes[index]!);
  });

  it("ends confirmed though each message takes 200 to 2,000 ms", async () => {
    for (const [device, outcome] of slow) await assertUpdated(device, await outcome);
  });

  it("leaves no device worse though 5 % of the messages are lost, doubled and reordered", async () => {
    const outcomes = await Promise.all(lossy.values());
    for (const [device, outcome] of lossy) await assertNoneWorse(device, await outcome);
    const updated = outcomes.filter(({ verdict }) => verdict === "confirmed").length;
    assert.ok(updated > 0, JSON.stringify(outcomes.map(({ error }) => error?.message)));
  });

  it("goes on when the broker is killed in the middle of the upload and comes back", async () => {
    const since = steering.log.length;
    const outcome = update("steady", "a-15");
    await steering.logged(/a-15 at [1-9]\d{3}/, since);
    await broker.kill();
    await broker.restart();
    await assertUpdated("a-15", await outcome);
  });

  describe("to a gateway that is killed in the middle of the upload and started again", () => {
    let device: DeviceProcess;
    let flow: FlowNode[];

    before(async () => {
      device = await DeviceProcess.start("--pace", "instant");
      flow = gatewayFlow(broker.port, "c", { link: "udp" }, `c-1 = 127.0.0.1:${device.port}`);
      gateways.set("c", await startNodeRed(flow));
    });

    after(() => device?.stop());

    it("go on where they stopped", async () => {
      const since = steering.log.length;
      const outcome = update("steady", "c-1");
      await steering.logged(/c-1 at [1-9]\d{3}/, since);
      await gateways.get("c")!.kill();
      gateways.set("c", await startNodeRed(flow));
      await assertUpdated("c-1", await outcome, `127.0.0.1:${device.port}`);
    });

    it("fail with a clear error when it does not come back", async () => {
      await gateways.get("c")!.stop();
      gateways.delete("c");
      const { error } = await update("plain", "c-1");
      assert.equal(error?.code, "SMP_LINK_OPEN");
      assert.match(error.message, /gateway c is offline/);
    });
  });
});

async function startNodeRed(flow: FlowNode[]): Promise<NodeRedProcess> {
  const nodeRed = await NodeRedProcess.start({ nodesDir: packageDir, mqttReconnectTime: 1000 });
  const since = nodeRed.log.length;
  await nodeRed.deploy(flow);
  await nodeRed.logged(/Connected to broker/, since);
  return nodeRed;
}
