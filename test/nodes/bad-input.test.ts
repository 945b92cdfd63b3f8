import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";

const target = { pool: "pool", device: "sensor-1" };
const FACTORY_STATE = "1.0.0 active confirmed";

/** What a user needs to know of an error: a code, the words that name what and where, and what to do. */
function assertExplained(msg: Msg, code: string, message: RegExp): void {
  assert.equal(msg.error.code, code, msg.error.message);
  assert.match(msg.error.message, message);
  const { hint, ...report } = msg.smp.error;
  assert.ok(hint.length > 10, "there is a hint");
  assert.deepEqual([report.code, report.message], [code, msg.error.message]);
}

const WORKING = ["state", "upload", "test", "reset", "confirm"];

describe("bad input", () => {
  const bench = pool({ slotKiB: "128", devices: [{ name: "sensor-1" }] });
  const disabled = { ...pool(), id: "disabled pool", d: true };
  let flow: RunningFlow;

  beforeEach(async () => {
    flow = await RunningFlow.load([
      tab,
      bench,
      disabled,
      ...surrounded("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }),
      ...surrounded("state", "smp-image-state", FIRMWARE),
      ...surrounded("upload", "smp-upload", FIRMWARE),
      ...surrounded("test", "smp-test", { hash: "hash", hashType: "msg", image: "image", imageType: "msg" }),
      ...surrounded("reset", "smp-reset", { waitS: "5" }),
      ...surrounded("confirm", "smp-confirm", { hash: "hash", hashType: "msg", image: "image", imageType: "msg" }),
      ...["no pool", "gone", "disabled", "other"].flatMap((id) =>
        surrounded(id, "smp-connect", { pool: POOLS[id], device: "sensor-1", deviceType: "str" }),
      ),
    ]);
  });

  afterEach(async () => {
    assert.equal(stateOf(deviceOf(bench)), FACTORY_STATE, "the device is left as it was");
    assert.deepEqual(
      Object.keys(flow.counts()).filter((id) => id.endsWith("result")),
      [],
      "there is no result beside an error",
    );
    await flow.end();
  });

  for (const id of WORKING) {
    it(`without msg.smp is explained by ${id}`, async () => {
      assertExplained(await flow.ask(id, {}, `${id} error`), "SMP_NO_SESSION", /msg\.smp is missing/);
      assertExplained(await flow.ask(id, { smp: "x" }, `${id} error`), "SMP_NO_SESSION", /msg\.smp/);
      assertExplained(await flow.ask(id, { smp: {} }, `${id} error`), "SMP_NO_SESSION", /msg\.smp\.pool is missing/);
      const noDevice = await flow.ask(id, { smp: { pool: "pool" } }, `${id} error`);
      assertExplained(noDevice, "SMP_NO_SESSION", /msg\.smp\.device is missing/);
      const list = await flow.ask(id, { smp: { pool: "pool", device: ["sensor-1"] } }, `${id} error`);
      assertExplained(list, "SMP_BAD_INPUT", /^msg\.smp\.device must be the name of one device, got an array of 1$/);
    });

    it(`for a pool that is not there is explained by ${id}`, async () => {
      const ask = (poolId: string): Promise<Msg> => flow.ask(id, { smp: { ...target, pool: poolId } }, `${id} error`);
      assertExplained(await ask("nowhere"), "SMP_NO_POOL", /msg\.smp\.pool names nowhere.*no SMP pool with this id/);
      assertExplained(await ask("disabled pool"), "SMP_NO_POOL", /disabled pool.*is disabled/);
      assertExplained(await ask("connect"), "SMP_NO_POOL", /connect.*type smp-connect/);
    });

    it(`for an unknown device is explained by ${id}`, async () => {
      const msg = await flow.ask(id, { smp: { ...target, device: "sensor-9" } }, `${id} error`);
      assertExplained(msg, "SMP_UNKNOWN_DEVICE", /sensor-9.*sensor-1/);
    });
  }

  it("of a connect node without a pool is explained, and shown before any message comes", async () => {
    await flow.until("the statuses", () => Object.keys(POOLS).every((id) => flow.texts(id).at(-1) === "no pool"));
    const ask = (id: string): Promise<Msg> => flow.ask(id, {}, `${id} error`);
    assertExplained(await ask("no pool"), "SMP_NO_POOL", /no SMP pool is chosen/);
    assertExplained(await ask("gone"), "SMP_NO_POOL", /names nowhere/);
    assertExplained(await ask("disabled"), "SMP_NO_POOL", /disabled/);
    assertExplained(await ask("other"), "SMP_NO_POOL", /smp-image-state/);
  });

  it("for the device of a connect node is explained", async () => {
    const ask = (device: unknown): Promise<Msg> => flow.ask("connect", { device }, "connect error");
    assertExplained(await ask("sensor-9"), "SMP_UNKNOWN_DEVICE", /sensor-9.*sensor-1/);
    assertExplained(await ask(undefined), "SMP_BAD_INPUT", /^device must be .*, got nothing \(msg\.device\)$/);
    assertExplained(await ask(["sensor-1"]), "SMP_BAD_INPUT", /^device must be .*, got an array of 1 \(msg\.device\)$/);
  });

  const images: { image: unknown; got: string }[] = [
    { image: 16, got: "16" },
    { image: -1, got: "-1" },
    { image: 0.5, got: "0\\.5" },
    { image: "one", got: '"one"' },
    { image: {}, got: "an object" },
  ];
  for (const { image, got } of images) {
    it(`for the image number, ${JSON.stringify(image)}, is explained`, async () => {
      const words = new RegExp(`^image must be a whole number from 0 to 15, got ${got} \\(msg\\.image\\)$`);
      const msg = { smp: target, image, firmware: "sample:1.5.0", hash: "ab".repeat(32) };
      for (const id of ["state", "upload", "test", "confirm"]) {
        assertExplained(await flow.ask(id, { ...msg }, `${id} error`), "SMP_BAD_INPUT", words);
      }
    });
  }

  it("for an image that the device does not have is explained", async () => {
    const msg = { smp: target, image: 1, firmware: "sample:1.5.0", hash: "ab".repeat(32) };
    const refused = await flow.ask("upload", { ...msg }, "upload error");
    assert.match(refused.error.code, /^SMP_(DEVICE|BAD_INPUT|IMAGE_TOO_LARGE)$/);
    assert.match(refused.error.message, /image 1|image group/);
    assertExplained(await flow.ask("test", { ...msg }, "test error"), "SMP_NOT_IN_SLOT", /image 1/);
    assertExplained(await flow.ask("confirm", { ...msg }, "confirm error"), "SMP_WRONG_IMAGE", /image/);
  });

  it("for a hash is explained", async () => {
    for (const id of ["test", "confirm"]) {
      const ask = (hash: unknown): Promise<Msg> => flow.ask(id, { smp: target, hash }, `${id} error`);
      assertExplained(await ask(undefined), "SMP_BAD_INPUT", /^hash must be .*, got nothing \(msg\.hash\)$/);
      assertExplained(await ask("abc"), "SMP_BAD_INPUT", /^hash must be .*64.*, got "abc" \(msg\.hash\)$/);
      assertExplained(await ask(Buffer.alloc(5)), "SMP_BAD_INPUT", /got a Buffer of 5 bytes/);
    }
    const unknown = { smp: target, hash: "ab".repeat(32) };
    assertExplained(await flow.ask("test", { ...unknown }, "test error"), "SMP_NOT_IN_SLOT", /abababab/);
    assertExplained(await flow.ask("confirm", { ...unknown }, "confirm error"), "SMP_WRONG_IMAGE", /abababab.*1\.0\.0/);
  });

  describe("as firmware", () => {
    const folder = mkdtempSync(join(tmpdir(), "smp-bad-firmware-"));
    after(() => rmSync(folder, { recursive: true }));

    const good = readFileSync("test/images/ed25519-1.5.0.bin");
    const damaged = Buffer.from(good);
    damaged[5000]! ^= 1;
    // What a linker leaves: a stack pointer and a reset vector, no MCUboot header.
    const unsigned = Buffer.alloc(2048, 0x42);
    unsigned.writeUInt32LE(0x2000_4000, 0);
    unsigned.writeUInt32LE(0x0000_1ab5, 4);

    const cases: { name: string; given: unknown; code: string; message: RegExp }[] = [
      { name: "nothing", given: undefined, code: "SMP_BAD_INPUT", message: /msg\.firmware.*missing/ },
      { name: "a number", given: 15, code: "SMP_BAD_INPUT", message: /msg\.firmware.*a number/ },
      {
        name: "a Buffer that went through JSON",
        given: JSON.parse(JSON.stringify(Buffer.from("x"))),
        code: "SMP_BAD_INPUT",
        message: /msg\.firmware.*JSON/,
      },
      { name: "the content as text", given: good.toString(), code: "SMP_BAD_INPUT", message: /msg\.firmware/ },
      { name: "an unknown sample", given: "sample:9.9.9", code: "SMP_BAD_INPUT", message: /sample:9\.9\.9.*1\.5\.0/ },
      { name: "no such file", given: join(folder, "no.bin"), code: "SMP_FIRMWARE_SOURCE", message: /no\.bin/ },
      { name: "a directory", given: folder, code: "SMP_FIRMWARE_SOURCE", message: /directory/ },
      { name: "an empty file", given: file("empty.bin", ""), code: "SMP_BAD_IMAGE", message: /empty\.bin is empty/ },
      { name: "an empty Buffer", given: Buffer.alloc(0), code: "SMP_BAD_IMAGE", message: /empty/ },
      { name: "a text", given: file("text.txt", "Hello\n".repeat(50)), code: "SMP_BAD_IMAGE", message: /text\.txt/ },
      { name: "an unsigned binary", given: unsigned, code: "SMP_BAD_IMAGE", message: /unsigned/ },
      { name: "a truncated image", given: good.subarray(0, 9000), code: "SMP_BAD_IMAGE", message: /truncated/ },
      { name: "a damaged image", given: damaged, code: "SMP_BAD_IMAGE", message: /damaged.*hash/ },
    ];
    for (const { name, given, code, message } of cases) {
      it(`${name}: ${code}`, async () => {
        assertExplained(await flow.ask("upload", { smp: target, firmware: given }, "upload error"), code, message);
        // Image state takes nothing for "only list".
        if (given === undefined) return;
        assertExplained(await flow.ask("state", { smp: target, firmware: given }, "state error"), code, message);
      });
    }

    it("a larger image than the slot: SMP_IMAGE_TOO_LARGE, with both sizes", async () => {
      const msg = { smp: target, firmware: "test/images/ed25519-large-4.0.0.bin" };
      assertExplained(await flow.ask("upload", msg, "upload error"), "SMP_IMAGE_TOO_LARGE", /400656.*\d{5,6}/);
    });

    function file(name: string, content: string): string {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    }
  });
});

describe("a second upload to the same device", () => {
  it("is refused at once, and the first one goes on", async () => {
    const bench = pool({ pace: "brisk" });
    const settings = { firmware: "test/images/hash-only-2.0.0+77.bin", firmwareType: "str" };
    const flow = await RunningFlow.load([
      tab,
      bench,
      ...surrounded("first", "smp-upload", settings),
      ...surrounded("second", "smp-upload", { ...settings, firmware: "sample:1.5.0" }),
    ]);
    flow.put("first", { smp: target });
    await flow.until("progress", () => flow.all("first progress").length > 1);
    assertExplained(await flow.ask("second", { smp: target }, "second error"), "SMP_BUSY", /upload on sensor-1/);
    assert.deepEqual(flow.all("second progress"), [], "the display is left to the first one");
    assert.equal((await flow.next("first result"))["payload"].outcome, "uploaded");
    assert.equal(stateOf(deviceOf(bench)), "1.0.0 active confirmed, 2.0.0.77");
    await flow.end();
  });
});

describe("a wrong setting", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const settings: { setting: object; message: RegExp }[] = [
    { setting: { maxSessions: "many" }, message: /maxSessions must be a whole number from 1 to 1000, got "many"/ },
    { setting: { idleCloseS: 0 }, message: /idleCloseS must be .*, got 0/ },
    { setting: { link: "telepathy" }, message: /link must be one of virtual, .*got "telepathy"/ },
    { setting: { slotKiB: "${NOT_SET}" }, message: /slotKiB must be .*, got \$\{NOT_SET\}, which is not set/ },
    { setting: { devices: [{ name: "" }] }, message: /devices\[0\]\.name must be a text that is not empty/ },
    { setting: { devices: [{ name: "a", trial: "brave" }] }, message: /devices\[0\]\.trial must be one of .*"brave"/ },
    { setting: { devices: [{ name: "a" }, { name: "a" }] }, message: /two devices have the name "a"/ },
    { setting: { devices: "a" }, message: /devices must be a list/ },
    { setting: { factoryFirmware: "nowhere.bin" }, message: /factoryFirmware "nowhere\.bin" cannot be used/ },
  ];
  for (const { setting, message } of settings) {
    it(`of the pool, ${JSON.stringify(setting)}, is told to everyone who uses it`, async () => {
      flow = await RunningFlow.load([
        tab,
        pool(setting),
        ...surrounded("connect", "smp-connect", { pool: "pool", device: "a", deviceType: "str" }),
        ...surrounded("state", "smp-image-state", { firmwareType: "none" }),
      ]);
      assertExplained(await flow.ask("connect", {}, "connect error"), "SMP_BAD_SETTING", message);
      const msg = await flow.ask("state", { smp: { pool: "pool", device: "a" } }, "state error");
      assertExplained(msg, "SMP_BAD_SETTING", message);
      assert.match(msg.error.message, /the pool "bench"/);
      assert.equal(flow.texts("connect").at(-1), "bad setting");
    });
  }

  it("of an upload or reset node is told with each message", async () => {
    flow = await RunningFlow.load([
      tab,
      pool(),
      ...surrounded("upload", "smp-upload", { firmware: "sample:1.5.0", firmwareType: "str", window: "9" }),
      ...surrounded("image", "smp-upload", {
        ...FIRMWARE,
        firmware: "sample:1.5.0",
        firmwareType: "str",
        image: "16",
        imageType: "num",
      }),
      ...surrounded("reset", "smp-reset", { waitS: "soon" }),
    ]);
    const ask = (id: string): Promise<Msg> => flow.ask(id, { smp: target }, `${id} error`);
    assertExplained(await ask("upload"), "SMP_BAD_SETTING", /^window must be a whole number from 1 to 8, got "9"$/);
    assertExplained(await ask("image"), "SMP_BAD_SETTING", /^image must be a whole number from 0 to 15, got "16"$/);
    assertExplained(await ask("reset"), "SMP_BAD_SETTING", /^waitS must be .*, got "soon"$/);
  });
});

const FIRMWARE = { firmware: "firmware", firmwareType: "msg", image: "image", imageType: "msg" };
const POOLS: Record<string, string> = { "no pool": "", gone: "nowhere", disabled: "disabled pool", other: "state" };
