/** Our client updates MCUboot and Zephyr in QEMU over their serial line. */
import assert from "node:assert/strict";
import {
  commands,
  confirmImage,
  createPool,
  type DeviceHandle,
  type FirmwareInfo,
  type FirmwareSource,
  inspectFirmware,
  openFirmware,
  readImageState,
  resetDevice,
  type SessionPool,
  testImage,
  TRANSPORTS,
  uploadFirmware,
} from "../../src/index";
import { type Board, EmulatedDevice, ramLoad, SWAP } from "./emulated-device";
import { Images } from "./images";
import { zephyrBuild } from "./peers";

const INSTALL_MS = 900_000;
const UPDATE_MS = 240_000;

describe("a device in QEMU", () => {
  const images = new Images();
  let device: EmulatedDevice | undefined;
  let source: FirmwareSource | undefined;
  let info: FirmwareInfo;
  let pool: SessionPool;

  before(async function () {
    this.timeout(INSTALL_MS);
    await zephyrBuild(SWAP.image);
  });
  beforeEach(() => (pool = createPool(TRANSPORTS.serial())));
  afterEach(async () => {
    await pool.close();
    await source?.close();
    await device?.stop();
    device = source = undefined;
  });
  after(() => images.remove());

  /** Starts it, and makes version 1.1.0 of the application that it has. */
  async function start(board: Board, isBlank = false): Promise<void> {
    device = await EmulatedDevice.start(board, isBlank);
    source = await openFirmware(await images.reversion(await zephyrBuild(board.image), "1.1.0"));
    info = await inspectFirmware(source);
  }
  const use = <T>(work: (handle: DeviceHandle) => Promise<T>): Promise<T> =>
    pool.use(device!.address, { name: "test" }, work);
  const upload = (handle: DeviceHandle, allowRecovery = false) =>
    uploadFirmware(handle, source!, info, { allowRecovery });

  it("without an application is in MCUboot's serial recovery, and runs the one that is uploaded there", async () => {
    await start(ramLoad("serial_recovery"), true);
    await use(async (handle) => {
      const session = await handle.session();
      assert.deepEqual(session.parameters, { bufSize: 1024, bufCount: 1 });
      assert.deepEqual(await readImageState(session), []);
      await assert.rejects(upload(handle), { code: "SMP_IN_RECOVERY", message: /no valid image/ });
      const result = await upload(handle, true);
      console.log(result);
      assert.equal(result.outcome, "uploaded");
      console.log(await resetDevice(handle));
      const [running] = await readImageState(await handle.session());
      assert.deepEqual([running!.version, running!.hash, running!.active], ["1.1.0", info.hash, true]);
    });
  }).timeout(UPDATE_MS);

  it("swap", async () => {
    await start(SWAP);
    await use(async (handle) => {
      const session = await handle.session();
      console.log(session.parameters, await readImageState(session));
      const result = await upload(handle);
      console.log(result);
      await testImage(handle, { hash: info.hash, image: 0 } as never);
      console.log(await resetDevice(handle, { wanted: { hash: info.hash, image: 0 } as never }));
      console.log(await confirmImage(handle, {hash: info.hash, image: 0} as never));
    });
  }).timeout(UPDATE_MS);
});
