/** Our client updates MCUboot and Zephyr in QEMU over their serial line. */
import assert from "node:assert/strict";
import {
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
  type TraceRecord,
  TRANSPORTS,
  uploadFirmware,
} from "../../src/index";
import { type Board, EmulatedDevice, ramLoad, SWAP } from "./emulated-device";
import { Images } from "./images";
import { LineRelay } from "./line-relay";
import { zephyrBuild } from "./peers";

const INSTALL_MS = 900_000;
const UPDATE_MS = 240_000;

describe("a device in QEMU", () => {
  const images = new Images();
  let device: EmulatedDevice | undefined;
  let source: FirmwareSource | undefined;
  let info: FirmwareInfo;
  let pool: SessionPool;
  let relay: LineRelay | undefined;

  before(async function () {
    this.timeout(INSTALL_MS);
    await zephyrBuild(SWAP.image);
  });
  beforeEach(() => (pool = createPool(TRANSPORTS.serial())));
  afterEach(async () => {
    await pool.close();
    await source?.close();
    await relay?.close();
    await device?.stop();
    device = source = relay = undefined;
  });
  after(() => images.remove());

  /** Starts it, and makes version 1.1.0 of the application that it has. */
  async function start(board: Board, isBlank = false): Promise<void> {
    device = await EmulatedDevice.start(board, isBlank);
    source = await openFirmware(await images.reversion(await zephyrBuild(board.image), "1.1.0"));
    info = await inspectFirmware(source);
  }
  const use = <T>(work: (handle: DeviceHandle) => Promise<T>, options = ""): Promise<T> =>
    pool.use((relay ?? device!).address + options, { name: "test" }, work);
  const upload = (handle: DeviceHandle, allowRecovery = false) =>
    uploadFirmware(handle, source!, info, { allowRecovery });

  it("without an application is in MCUboot's serial recovery, and runs the one that is uploaded there", async () => {
    await start(ramLoad("serial_recovery"), true);
    await use(async (handle) => {
      const session = await handle.session();
      assert.deepEqual(session.parameters, { bufSize: 1024, bufCount: 1 });
      assert.deepEqual(await readImageState(session), []);
      await assert.rejects(upload(handle), { code: "SMP_IN_RECOVERY", message: /no valid image/ });
      const { outcome, firmware } = await upload(handle, true);
      assert.equal(outcome, "uploaded");
      assert.deepEqual(await testImage(handle, { hash: info.hash }), [], "nothing is to be marked");
      const { verdict } = await resetDevice(handle, { wanted: firmware });
      assert.equal(verdict, "confirmed");
      const [running] = await confirmImage(handle, { hash: info.hash });
      assert.deepEqual([running!.version, running!.hash, running!.active], ["1.1.0", info.hash, true]);
    });
  }).timeout(UPDATE_MS);

  it("is sent into recovery and overwritten, raw frames; QEMU puts the application back at the next reset", async () => {
    await start(ramLoad("serial_recovery_raw"));
    await use(async (handle) => {
      const [former] = await readImageState(await handle.session());
      assert.deepEqual([former!.version, former!.active], ["0.0.0", true]);
      assert.equal((await resetDevice(handle, { toRecovery: true })).because, "MCUboot's serial recovery answers");
      const { images: now } = await upload(handle, true);
      assert.deepEqual([now[0]!.version, now[0]!.hash], ["1.1.0", info.hash]);
      const { after } = await resetDevice(handle);
      assert.deepEqual([after[0]!.version, after[0]!.active], ["0.0.0", true]);
    }, "?framing=raw");
    // QEMU's line loses bytes on a busy host, and raw frames have no checksum.
  })
    .timeout(2 * UPDATE_MS)
    .retries(3);

  it("that swaps slots goes through upload, test, reset and confirm", async () => {
    await start(SWAP);
    await use(async (handle) => {
      const { outcome, firmware } = await upload(handle);
      assert.equal(outcome, "uploaded");
      await testImage(handle, { hash: info.hash });
      const { verdict, after } = await resetDevice(handle, { wanted: firmware });
      assert.equal(verdict, "testing");
      assert.deepEqual(
        after.map(({ slot, version, active }) => [slot, version, active]),
        [
          [0, "1.1.0", true],
          [1, "0.0.0", false],
        ],
      );
      await confirmImage(handle, { hash: info.hash });
      const [running] = await readImageState(await handle.session());
      assert.deepEqual([running!.hash, running!.active, running!.confirmed], [info.hash, true, true]);
    });
  }).timeout(UPDATE_MS);

  describe("whose link breaks twice in the middle of an upload", () => {
    /** Where the uploads begin, as the device answered: a new one at the first chunk's end, which comes after an erasure. */
    let firstChunks: { request: number; off?: number | undefined }[];

    async function startBehindRelay(board: Board, isBlank = false): Promise<void> {
      await start(board, isBlank);
      relay = await LineRelay.open(device!.port);
      firstChunks = [];
      pool.trace({ frames: "described", take: noteFirstChunk });
    }

    function noteFirstChunk(record: TraceRecord): void {
      if (record.kind !== "frame" || record.command !== "image.upload") return;
      const { off } = record.body as { off?: number };
      if (record.dir === "out" && off === 0) firstChunks.push({ request: record.n });
      const begun = firstChunks.find(({ request }) => request === record.answers);
      if (begun) begun.off = off;
    }

    /** @param breaksAt parts of the file, 0 to 1 */
    async function uploadWithBreaks(handle: DeviceHandle, breaksAt: readonly number[], allowRecovery = false) {
      const due = breaksAt.map((part) => part * info.sizeBytes);
      return await uploadFirmware(handle, source!, info, {
        allowRecovery,
        onProgress: ({ offBytes }) => {
          if (offBytes < (due[0] ?? Infinity)) return;
          due.shift();
          // In the midst of a frame.
          relay!.breakAfter(100);
        },
      });
    }

    it("goes on in MCUboot's serial recovery: it erases once, and the new image runs", async () => {
      await startBehindRelay(ramLoad("serial_recovery"), true);
      await use(async (handle) => {
        const { outcome, firmware, startedOver, sentBytes } = await uploadWithBreaks(handle, [0.3, 0.7], true);
        assert.deepEqual([outcome, startedOver, firstChunks.length], ["uploaded", 0, 1]);
        assert.equal(relay!.connections, 3);
        assert.ok(sentBytes < info.sizeBytes + 4 * 1024, `${sentBytes} of ${info.sizeBytes}`);
        assert.equal((await resetDevice(handle, { wanted: firmware })).verdict, "confirmed");
        const [running] = await readImageState(await handle.session());
        assert.deepEqual([running!.version, running!.hash, running!.active], ["1.1.0", info.hash, true]);
      });
    }).timeout(UPDATE_MS);

    it("goes on in Zephyr: it erases once, and the new image runs on trial", async () => {
      await startBehindRelay(SWAP);
      await use(async (handle) => {
        const { outcome, firmware, startedOver, sentBytes } = await uploadWithBreaks(handle, [0.3, 0.7]);
        assert.deepEqual([outcome, startedOver, relay!.connections], ["uploaded", 0, 3]);
        const [fresh, ...resumed] = firstChunks.filter(({ off }) => off !== undefined);
        assert.equal(resumed.length, 2);
        for (const { off } of resumed) assert.ok(off! > fresh!.off!, `taken up at ${off}`);
        assert.ok(sentBytes < info.sizeBytes + 6 * 400, `${sentBytes} of ${info.sizeBytes}`);
        await testImage(handle, { hash: info.hash });
        assert.equal((await resetDevice(handle, { wanted: firmware })).verdict, "testing");
      });
    }).timeout(UPDATE_MS);
  });
});
