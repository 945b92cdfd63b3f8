/** Other people's clients do a whole update of the virtual device over UDP and a serial port, from outside this process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createPool, inspectFirmware, openFirmware, readImageState, TRANSPORTS } from "../../src/index";
import { DeviceProcess } from "../device-process";
import { Pty } from "../serial/pty/socat";
import { Images } from "./images";
import { mcumgrctl, pythonTool, run } from "./peers";

const INSTALL_MS = 900_000;
const UPDATE_MS = 60_000;
/** The only port that the Python clients know. */
const PORT = 1337;
const HOST = "127.0.0.1";

describe("the virtual device", () => {
  const images = new Images();
  let device: DeviceProcess;
  let file: string;
  let hash: string;

  before(async function () {
    this.timeout(INSTALL_MS);
    file = await images.make("1.1.0", 60_000);
    const source = await openFirmware(file);
    ({ hash } = await inspectFirmware(source));
    await source.close();
  });
  after(() => images.remove());

  beforeEach(async function () {
    this.timeout(UPDATE_MS);
    const old = await images.make("1.0.0", 50_000);
    device = await DeviceProcess.start("--udp", String(PORT), "--tcp", "0", "--slot0", old);
  });
  afterEach(() => device.stop());

  async function assertUpdated(): Promise<void> {
    const pool = createPool(TRANSPORTS.udp());
    const state = await pool.use(HOST, { name: "read" }, async (handle) => readImageState(await handle.session()));
    await pool.close();
    const [running, former] = state;
    assert.deepEqual([running!.version, running!.active, running!.confirmed], ["1.1.0", true, true]);
    assert.equal(running!.hash, hash);
    assert.deepEqual([former!.version, former!.active], ["1.0.0", false]);
    assert.ok(device.lines.includes("boot: swapped"), device.lines.join("\n"));
  }

  async function untilRunning(version: string): Promise<void> {
    while (!device.lines.includes(`running ${version}`)) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  it("is updated by the Python library smpclient, UDP", async function () {
    this.timeout(UPDATE_MS);
    await run(await pythonTool("python"), join(__dirname, "update.py"), HOST, file);
    await assertUpdated();
  });

  it("is updated by the Python program smpmgr, UDP", async function () {
    this.timeout(UPDATE_MS);
    const program = await pythonTool("smpmgr");
    const smpmgr = (...args: string[]): Promise<string> => run(program, "--ip", HOST, ...args);
    // Its "upgrade" does not mark the image for test when there is but one image.
    await smpmgr("image", "upload", file);
    await smpmgr("image", "state-write", hash);
    await smpmgr("os", "reset");
    await untilRunning("1.1.0");
    await smpmgr("image", "state-write", "--confirm");
    assert.match(await smpmgr("image", "state-read"), /version='1\.1\.0'/);
    await assertUpdated();
  });

  it("is updated by the Rust program mcumgrctl, UDP", async function () {
    this.timeout(INSTALL_MS);
    const program = await mcumgrctl();
    const control = (...args: string[]): Promise<string> => run(program, "--udp", `${HOST}:${PORT}`, "--json", ...args);
    await control("firmware", "update", file);
    await untilRunning("1.1.0");
    await control("image", "set-state", "--confirm");
    await assertUpdated();
  });

  describe("on a serial port", () => {
    let pty: Pty;
    beforeEach(async () => (pty = await Pty.open({ port: device.serialPort!, connections: 1 })));
    afterEach(() => pty.close());

    it("is updated by the Python library smpclient", async function () {
      this.timeout(UPDATE_MS);
      await run(await pythonTool("python"), join(__dirname, "update.py"), pty.path, file);
      await assertUpdated();
    });

    it("is updated by the Rust program mcumgrctl", async function () {
      this.timeout(INSTALL_MS);
      const program = await mcumgrctl();
      const control = (...args: string[]): Promise<string> => run(program, "--serial", pty.path, "--json", ...args);
      await control("firmware", "update", file);
      await untilRunning("1.1.0");
      await control("image", "set-state", "--confirm");
      await assertUpdated();
    });
  });
});
