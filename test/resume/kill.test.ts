/** Node-RED dies at any point of an upload over UDP; the device, which is in this process, lives on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualDevice } from "../../src/device/device";
import { only } from "../../src/device/faults";
import { serveUdp, type UdpServer } from "../../src/device/udp-server";
import type { Unfinished, UpdateResult } from "../../src/index";
import { image } from "../../src/smp/commands";
import { decodeMessage } from "../../src/smp/message";
import { buildImage } from "../build-image";
import { packageDir, type FlowNode } from "../node-red";
import { NodeRedProcess } from "../node-red-process";
import { randomFrom } from "../random";

const OLD = buildImage({ version: "1.0.0" });
const FILE = buildImage({ version: "2.0.0", payloadBytes: 200_000 });
/** An upload takes two to three seconds. */
const PACE = { requestMs: 2, linkBytesPerSecond: 100_000, erasePageMs: 2, writeBytesPerSecond: 1_000_000 };

const random = randomFrom(9);
/** Shares of the file; the first chunk has been acknowledged at each of them. */
const POINTS = Array.from({ length: 10 }, () => 0.02 + 0.96 * random());

/** Updates as soon as the flow starts. */
function updateAtStart(port: number, firmware: string): FlowNode[] {
  const node = (id: string, type: string, properties: object, wires: string[][] = []): FlowNode => {
    return { id, type, z: "tab", x: 100, y: 100, name: id, wires, ...properties };
  };
  const device = { device: `127.0.0.1:${port}`, deviceType: "str", firmware, firmwareType: "str" };
  return [
    { id: "tab", type: "tab", label: "update" },
    { id: "pool", type: "smp-pool", name: "devices", link: "udp" },
    node("at start", "inject", { props: [], once: true, onceDelay: 0.1 }, [["update"]]),
    node("update", "smp-update", { pool: "pool", ...device }, [["text"], [], [], ["text"]]),
    node("text", "json", { property: "payload", action: "str" }, [["result"]]),
    node("result", "debug", { active: true, tosidebar: false, console: true, complete: "payload" }),
  ];
}

/** Asks at its gate, and on other buttons tells what is left of an update, and ends it. */
function updateWithGate(port: number, firmware: string): FlowNode[] {
  const node = (id: string, type: string, properties: object, wires: string[][] = []): FlowNode => {
    return { id, type, z: "tab", x: 100, y: 100, name: id, wires, ...properties };
  };
  const device = { device: `127.0.0.1:${port}`, deviceType: "str" };
  const source = { firmware, firmwareType: "str" };
  const rules = [{ t: "eq", v: "trial", vt: "str" }, { t: "else" }];
  const confirmed = { hash: "smp.unfinished.firmware.hash", hashType: "msg" };
  return [
    { id: "tab", type: "tab", label: "update" },
    { id: "pool", type: "smp-pool", name: "devices", link: "udp" },
    node("start", "inject", { props: [] }, [["update"]]),
    node("update", "smp-update", { pool: "pool", ...device, ...source, gate: true }, [[], [], ["asked"], []]),
    node("asked", "debug", { active: true, tosidebar: false, console: true, complete: "smp.gate" }),
    node("look", "inject", { props: [] }, [["connect"]]),
    node("connect", "smp-connect", { pool: "pool", ...device }, [["recorded", "state"], []]),
    node("recorded", "debug", { active: true, tosidebar: false, console: true, complete: "smp.unfinished.phase" }),
    node("state", "smp-image-state", { firmwareType: "none" }, [["text"], [], []]),
    node("text", "json", { property: "smp.unfinished", action: "str" }, [["found"]]),
    node("found", "debug", { active: true, tosidebar: false, console: true, complete: "smp.unfinished" }),
    node("end", "inject", { props: [] }, [["connect to end"]]),
    node("connect to end", "smp-connect", { pool: "pool", ...device }, [["state to end"], []]),
    node("state to end", "smp-image-state", { firmwareType: "none" }, [["where it stands"], [], []]),
    node("where it stands", "switch", { property: "smp.unfinished.phase", propertyType: "msg", rules }, [
      ["confirm"],
      [],
    ]),
    node("confirm", "smp-confirm", confirmed, [["ended"], ["ended"]]),
    node("ended", "debug", { active: true, tosidebar: false, console: true, complete: "smp.verdict" }),
  ];
}

/** What the device has been sent and has said of it. */
class UploadWatch {
  /** The last offset that the device has acknowledged. */
  ackedBytes = 0;
  /** The same, when it was last asked where the upload stands. */
  ackedBefore = 0;
  /** Offsets of the chunks that came, in order. */
  readonly offsets: number[] = [];
  #point = Number.POSITIVE_INFINITY;
  #reached = (): void => {};

  constructor(device: VirtualDevice) {
    device.faults.add(
      only(image.upload, (exchange) => {
        this.offsets.push(Number(exchange.body["off"]));
        if (exchange.body["off"] === 0) this.ackedBefore = this.ackedBytes;
        exchange.changeAnswer((frame) => {
          this.ackedBytes = Number(decodeMessage(frame).body["off"]);
          if (this.ackedBytes >= this.#point) this.#reached();
          return [frame];
        });
      }),
    );
  }

  /** Calls `then` in the very moment in which the device acknowledges that much. */
  async acked<T>(point: number, then: () => Promise<T>): Promise<T> {
    return await new Promise((resolve, reject) => {
      this.#point = point;
      this.#reached = () => {
        this.#point = Number.POSITIVE_INFINITY;
        then().then(resolve, reject);
      };
    });
  }
}

describe("Node-RED, killed in the middle of an upload and started again", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "smp-resume-"));
  const firmware = join(folder, "app.bin");
  let nodeRed: NodeRedProcess | undefined;
  let device: VirtualDevice;
  let server: UdpServer;
  let watch: UploadWatch;

  before(() => writeFileSync(firmware, FILE));

  beforeEach(async () => {
    device = new VirtualDevice({ name: "sensor-1", slot0: OLD, slotBytes: 256 * 1024, pace: PACE });
    watch = new UploadWatch(device);
    server = await serveUdp(device, { host: "127.0.0.1", port: 0 });
    nodeRed ??= await NodeRedProcess.start({ nodesDir: packageDir });
  });

  afterEach(async function () {
    if (this.currentTest?.isFailed()) {
      console.log(nodeRed?.log.slice(-6000));
      await nodeRed?.stop();
      nodeRed = undefined;
    }
    await server.close();
    device.close();
  });

  after(async () => {
    await nodeRed?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, point] of POINTS.entries()) {
    it(`goes on where it was, and ends confirmed: kill ${index + 1} at ${Math.round(point * 100)} %`, async () => {
      await killAt(point);
      assertResumed(await startAgain());
    });
  }

  it("begins anew, and says so, when the device has rebooted meanwhile", async () => {
    await killAt(0.5);
    device.reboot();
    const { evidence } = await startAgain();
    assert.equal(evidence.images[0]!.resumedFromBytes, 0);
    // Nothing was lost since this Node-RED began; what the one before had sent is simply not there.
    assert.equal(evidence.images[0]!.startedOver, 0);
    assert.equal(evidence.images[0]!.sentBytes, FILE.length);
  });

  it("finds the device on trial when it was killed there, and ends the update by a confirm", async () => {
    assert.equal((await nodeRed!.deploy(updateWithGate(server.address.port, firmware))).status, 204);
    const beforeStart = nodeRed!.log.length;
    await nodeRed!.press("start");
    await nodeRed!.logged(/\[debug:asked\]/, beforeStart);
    await nodeRed!.crash();
    await nodeRed!.startAgain();
    const [recorded, found] = await look();
    assert.equal(recorded, "trial");
    const { phase, firmware: described } = JSON.parse(found) as Unfinished;
    assert.deepEqual([phase, described.version, described.sizeBytes], ["trial", "2.0.0", FILE.length]);
    const beforeEnd = nodeRed!.log.length;
    await nodeRed!.press("end");
    await nodeRed!.logged(/\[debug:ended\] confirmed/, beforeEnd);
    assert.deepEqual(await look(), ["undefined", "undefined"]);
  });

  /** @returns what connect and image state tell of an unfinished update */
  async function look(): Promise<[string, string]> {
    const since = nodeRed!.log.length;
    await nodeRed!.press("look");
    const [, recorded] = await nodeRed!.logged(/\[debug:recorded\] (.*)\n/, since);
    const [, found] = await nodeRed!.logged(/\[debug:found\] (.*)\n/, since);
    return [recorded!, found!];
  }

  async function killAt(point: number): Promise<void> {
    const killed = watch.acked(point * FILE.length, () => nodeRed!.crash());
    assert.equal((await nodeRed!.deploy(updateAtStart(server.address.port, firmware))).status, 204);
    await killed;
    assert.ok(watch.ackedBytes < FILE.length);
  }

  /** @returns the result of the update that the start triggers, which ends well */
  async function startAgain(): Promise<UpdateResult> {
    const since = nodeRed!.log.length;
    await nodeRed!.startAgain();
    const [, text] = await nodeRed!.logged(/\[debug:result\] (\{.*\})\n/, since);
    const [result] = (JSON.parse(text!) as { devices: UpdateResult[] }).devices;
    assert.deepEqual([result!.verdict, result!.error], ["confirmed", undefined]);
    assert.deepEqual(Buffer.from(device.store.slot(0, 0).read(0, FILE.length)), FILE);
    return result!;
  }

  function assertResumed({ evidence }: UpdateResult): void {
    const { resumedFromBytes } = evidence.images[0]!;
    assert.ok(watch.ackedBefore > 0);
    assert.equal(resumedFromBytes, watch.ackedBefore);
    assert.equal(watch.offsets.filter((off) => off === 0).length, 2, "each Node-RED asks once where the upload stands");
    const after = watch.offsets.slice(watch.offsets.lastIndexOf(0) + 1);
    assert.ok(after.length > 0 && after.every((off) => off >= resumedFromBytes), "nothing is sent twice");
  }
});
