/** What people have as firmware, through the update node of a running flow, to devices on UDP ports. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { serveUdp, type UdpServer } from "../../src/device/udp-server";
import { buildImage } from "../build-image";
import { buildPackage } from "../build-zip";
import { imageBytes } from "../images";
import { stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

/** Version 3.1.4+159, depends on image 1 in 1.2.0 or newer. */
const APP = imageBytes("ed25519-dependency-counter-3.1.4+159.bin");
const OLD = imageBytes("hash-only-1.0.0.bin");
const net = (version: string): Buffer => buildImage({ version, payloadBytes: 900 });
const TWO_CORES = { imageCount: 2, slot0: OLD, image1Slot0: net("1.1.0") } as const;

const bothCores = (more: object = {}): Buffer =>
  buildPackage(
    [
      { file: "app_update.bin", data: APP, image_index: "0", slot_index_primary: "1", slot_index_secondary: "2" },
      { file: "net_core_app_update.bin", data: net("1.2.0"), image_index: "1", board: "x_cpunet" },
    ],
    more,
  );

describe("the update node, given", () => {
  let flow: RunningFlow;
  const devices: VirtualDevice[] = [];
  const servers: UdpServer[] = [];
  let requests: string[];

  beforeEach(() => (requests = []));
  afterEach(async () => {
    await flow.end();
    for (const device of devices.splice(0)) device.close();
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  /** A device and its address. */
  async function serve(options: Omit<VirtualDeviceOptions, "name">): Promise<[VirtualDevice, string]> {
    const device = new VirtualDevice({ name: "device", slotBytes: 128 * 1024, ...options });
    device.faults.add(({ command }) => void requests.push(command?.name ?? "unknown"));
    devices.push(device);
    const server = await serveUdp(device, { host: "127.0.0.1", port: 0 });
    servers.push(server);
    return [device, `127.0.0.1:${server.address.port}`];
  }

  async function load(properties: object = {}): Promise<void> {
    const settings = { pool: "pool", device: "device", deviceType: "msg", firmware: "firmware", firmwareType: "msg" };
    flow = await RunningFlow.load([
      tab,
      pool({ link: "udp" }),
      ...surrounded("up", "smp-update", { ...settings, image: "0", imageType: "num", waitS: "20", ...properties }),
    ]);
  }

  const resets = (): number => requests.filter((name) => name === "os.reset").length;
  const uploaded = ({ payload }: Msg): unknown =>
    payload.devices.map(({ evidence }: Msg) =>
      evidence.images.map(({ image, version, outcome, servedFrom }: Msg) => [image, version, outcome, servedFrom]),
    );

  for (const [what, firmware] of [
    ["a dfu_application.zip of format 0, as a Buffer", () => bothCores({ "format-version": 0 })],
    ["a dfu_application.zip of format 1, as a stream", () => Readable.from([bothCores()])],
  ] as const) {
    it(`${what}, brings both cores of several devices, each with one reset`, async () => {
      const [one, first] = await serve(TWO_CORES);
      const [two, second] = await serve(TWO_CORES);
      await load();
      const msg = await flow.ask("up", { device: [first, second], firmware: firmware() });
      assert.deepEqual(msg["payload"].counts, { confirmed: 2 });
      const images = [
        [0, "3.1.4+159", "uploaded", "spool"],
        [1, "1.2.0", "uploaded", "spool"],
      ];
      assert.deepEqual(uploaded(msg), [images, images]);
      assert.equal(resets(), 2);
      for (const device of [one, two])
        assert.match(stateOf(device), /^3\.1\.4\.159 active confirmed,.*1\.2\.0 active confirmed/);
    });
  }

  it("a package with two cores, plans marks for both before the one reset that has no way back", async () => {
    const [, address] = await serve(TWO_CORES);
    await load({ dryRun: true });
    const { plan } = (await flow.ask("up", { device: address, firmware: bothCores() }))["payload"].devices[0];
    const steps = plan.steps.map(({ step, image, noReturn }: Msg) => `${step} ${image ?? ""}${noReturn ? "!" : ""}`);
    assert.deepEqual(steps, ["upload 0", "upload 1", "permanent 1", "permanent 0", "reset !", "verify "]);
    assert.equal(requests.includes("image.upload"), false);
  });

  it("a package for two cores, refuses a device with one", async () => {
    const [, address] = await serve({ slot0: OLD });
    await load();
    const { error } = await flow.ask("up", { device: address, firmware: bothCores() }, "up error");
    assert.deepEqual([error.code, error.message], ["SMP_BAD_INPUT", "the device has no image 1, it has image 0"]);
    assert.equal(requests.includes("image.upload"), false);
  });

  it("Intel HEX, brings the image that is in it", async () => {
    const [device, address] = await serve({ slot0: OLD });
    await load();
    const msg = await flow.ask("up", { device: address, firmware: imageBytes("signed/at-c000.hex") });
    assert.deepEqual(uploaded(msg), [[[0, "2.9.0", "uploaded", "spool"]]]);
    assert.match(stateOf(device), /^2\.9\.0 active confirmed/);
  });

  it("an encrypted image, says what cannot be checked, and sends it as it is", async () => {
    const [device, address] = await serve({ slot0: OLD });
    const file = imageBytes("ed25519-encrypted-1.7.0.bin");
    await load({ goal: "upload" });
    const msg = await flow.ask("up", { device: address, firmware: file });
    assert.equal(msg.smp.verdict, "uploaded");
    const { checks } = msg["payload"].devices[0].plan;
    assert.match(checks.find(({ check }: Msg) => check === "content").because, /encrypted.* only the device/);
    assert.ok(file.equals(device.store.slot(0, 1).read(0, file.length)));
  });

  it("a pair for direct XIP, takes the build for the slot that is free", async () => {
    const [device, address] = await serve({ slot0: OLD, mode: "direct-xip-revert" });
    await load();
    const build = (version: string, slot: number): Buffer => buildImage({ version, payloadBytes: 1_000 + slot });
    const slots = [0, 1].map(String);
    for (const [version, free] of [
      ["2.0.0", 1],
      ["3.0.0", 0],
    ] as const) {
      const pair = slots.map((slot) => {
        return { file: `app.slot${slot}.bin`, data: build(version, Number(slot)), image_index: "0", slot };
      });
      const msg = await flow.ask("up", { device: address, firmware: buildPackage(pair) });
      assert.equal(msg.smp.verdict, "confirmed");
      const sent = build(version, free);
      assert.ok(sent.equals(device.store.slot(0, free).read(0, sent.length)), `${version} lies in slot ${free}`);
    }
  });
});
