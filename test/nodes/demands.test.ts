import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import helper from "node-red-node-test-helper";
import { buildImage } from "../build-image";
import { buildPackage } from "../build-zip";
import { runtimePath, type FlowNode } from "../node-red";
import { deviceOf, stateOf } from "./device";
import { pool, RunningFlow, surrounded, tab, type Msg } from "./flow";
import { heldFiles } from "./held-files";

const smp = { pool: "pool", device: "sensor-1" };
const FILE = "test/images/ed25519-1.5.0.bin";
const KEY = readFileSync("test/images/ed25519.pub.pem", "utf8");
const SHA = createHash("sha256").update(readFileSync(FILE)).digest("hex");

function uploading(settings: object, more: object = {}): FlowNode[] {
  const firmware = { firmware: "firmware", firmwareType: "msg", ...more };
  return [
    tab,
    pool(settings),
    ...surrounded("upload", "smp-upload", firmware),
    ...surrounded("state", "smp-image-state", firmware),
  ];
}

describe("an upload node", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const ask = (firmware: unknown, at = "upload result", more: Msg = {}): Promise<Msg> =>
    flow.ask("upload", { smp, firmware, ...more }, at);
  const signatureOf = (msg: Msg): string =>
    msg["payload"].checks.find(({ check }: { check: string }) => check === "signature").because;

  it("takes only what is signed by a pasted key of its pool, and says by which", async () => {
    flow = await RunningFlow.load(uploading({ keys: KEY }));
    const refused = await ask("sample:1.0.0", "upload error");
    assert.equal(refused.error.code, "SMP_BAD_SIGNATURE");
    assert.match(refused.error.message, /sample:1\.0\.0 is refused: it is not signed/);
    assert.match(signatureOf(await ask(FILE)), /signed by the pasted key \(Ed25519\)/);
  });

  it("reads key files anew for each upload", async () => {
    const folder = mkdtempSync(join(tmpdir(), "smp-key-"));
    const file = join(folder, "key.pem");
    writeFileSync(file, readFileSync("test/images/rsa-2048.pub.pem"));
    flow = await RunningFlow.load(uploading({ keys: `# the field\n${file}` }));
    const refused = await ask(FILE, "upload error");
    assert.match(refused.error.message, /none of those that are allowed: .*key\.pem \(RSA-2048\)/);
    writeFileSync(file, KEY);
    assert.match(signatureOf(await ask(FILE)), /signed by .*key\.pem/);
    rmSync(folder, { recursive: true });
    const gone = await ask(FILE, "upload error");
    assert.equal(gone.error.code, "SMP_BAD_SETTING");
  });

  it("does not work with a pool that has a private key, and does not tell it", async () => {
    const keys = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----";
    flow = await RunningFlow.load(uploading({ keys }));
    const msg = await ask(FILE, "upload error");
    assert.equal(msg.error.code, "SMP_BAD_SETTING");
    assert.match(msg.error.message, /holds a private key/);
    assert.doesNotMatch(JSON.stringify(msg), /c2VjcmV0/);
  });

  const given: readonly [how: string, config: object, msg: (sha256: unknown) => Msg][] = [
    ["in its form", { sha256: SHA.toUpperCase(), sha256Type: "str" }, () => ({ firmware: FILE })],
    ["beside the firmware", {}, (sha256) => ({ firmware: { data: FILE, sha256 } })],
    [
      "anywhere in the message",
      { sha256: "order.hash", sha256Type: "msg" },
      (hash) => ({ firmware: FILE, order: { hash } }),
    ],
  ];
  for (const [how, config, msg] of given) {
    it(`takes the SHA-256 that is expected ${how}`, async () => {
      flow = await RunningFlow.load(uploading({}, { sha256: "firmware.sha256", sha256Type: "msg", ...config }));
      const { payload } = await flow.ask("upload", { smp, ...msg(`sha256:${SHA}`) });
      assert.equal(payload.outcome, "uploaded");
      assert.ok(payload.checks.some(({ check, level }: Msg) => check === "file-sha256" && level === "ok"));
    });
  }

  it("does not overlook the SHA-256 that came with the firmware", async () => {
    flow = await RunningFlow.load(uploading({}, { sha256: "hash", sha256Type: "msg" }));
    const firmware = { data: FILE, sha256: "ab".repeat(32) };
    assert.equal((await ask(firmware, "upload error")).error.code, "SMP_WRONG_FILE");
    const both = await ask(firmware, "upload error", { hash: SHA });
    assert.equal(both.error.code, "SMP_BAD_INPUT");
    assert.match(both.error.message, /msg\.firmware\.sha256 is abab.*, but the node expects/);
    assert.equal(
      (await ask({ data: FILE, sha256: SHA }, "upload result", { hash: SHA }))["payload"].outcome,
      "uploaded",
    );
  });

  it("refuses another file than the one that is expected, and what is no SHA-256", async () => {
    flow = await RunningFlow.load(uploading({}, { sha256: "firmware.sha256", sha256Type: "msg" }));
    const other = await ask({ data: FILE, sha256: "ab".repeat(32) }, "upload error");
    assert.equal(other.error.code, "SMP_WRONG_FILE");
    const odd = await ask({ data: FILE, sha256: "abc" }, "upload error");
    assert.deepEqual([odd.error.code, odd.smp.error.field], ["SMP_BAD_INPUT", "msg.firmware.sha256"]);
    assert.match(odd.error.message, /sha256 must be the SHA-256 of a file, 64 hex digits/);
  });

  it("does not let the firmware's bytes into messages or errors", async () => {
    flow = await RunningFlow.load(uploading({ keys: KEY }));
    const bytes = Buffer.from(readFileSync(FILE));
    bytes[9000]! ^= 1;
    const broken = await ask(bytes, "upload error");
    assert.equal(broken.error.code, "SMP_BAD_IMAGE");
    assert.ok(JSON.stringify({ error: broken.error, smp: broken.smp }).length < 2000);
    const good = await ask(FILE);
    assert.ok(JSON.stringify({ payload: good["payload"], smp: good.smp }).length < 6000);
  });
});

describe("a package at the nodes", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const zip = (): Buffer =>
    buildPackage([
      { file: "app.bin", data: readFileSync(FILE), image_index: "0" },
      { file: "net.bin", data: buildImage({ version: "7.0.0" }), image_index: "1" },
    ]);

  it("gives the image with the number that is set", async () => {
    flow = await RunningFlow.load(uploading({}));
    const before = await flow.ask("state", { smp, firmware: zip() });
    assert.deepEqual([before.smp.firmware.version, before.smp.firmware.image], ["1.5.0", 0]);
    const { smp: after } = await flow.ask("upload", { smp, firmware: zip() });
    assert.equal(after.firmware.version, "1.5.0");
    assert.match(after.firmware.label, /^app\.bin in msg\.firmware \(a Buffer of \d+ bytes\)$/);
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("without the image that is set is refused before the device is disturbed", async () => {
    flow = await RunningFlow.load(uploading({}, { image: "2", imageType: "num" }));
    const msg = await flow.ask("upload", { smp, firmware: zip() }, "upload error");
    assert.equal(msg.error.code, "SMP_BAD_INPUT");
    assert.match(msg.error.message, /nothing for image 2; it has app\.bin \(image 0, 1\.5\.0\), net\.bin/);
    await flow.until("everything closed", () => heldFiles().length === 0);
  });

  it("of two builds for direct XIP gives the one for the free slot, and knows the one that runs", async () => {
    const direct = { mode: "direct-xip", factoryFirmware: "test/images/signed/rom-fixed-10000.bin" };
    flow = await RunningFlow.load(uploading(direct));
    const build = (version: string, loadAddress: number): Buffer => buildImage({ version, loadAddress, flags: 0x100 });
    const pair = (version: string): Buffer =>
      buildPackage([
        { file: "slot0.bin", data: build(version, 0x10000), slot: "0" },
        { file: "slot1.bin", data: build(version, 0x80000), slot: "1" },
      ]);
    const { smp: uploaded } = await flow.ask("upload", { smp, firmware: pair("3.0.0") });
    assert.match(uploaded.firmware.label, /^slot1\.bin/);
    const device = deviceOf(pool(direct));
    device.reboot();
    await flow.until("the new image runs", () => stateOf(device).includes("3.0.0 active"));
    const current = await flow.ask("state", { smp, firmware: pair("3.0.0") }, "state up to date");
    assert.match(current.smp.firmware.label, /^slot1\.bin/);
    const { smp: next } = await flow.ask("upload", { smp, firmware: pair("3.1.0") });
    assert.match(next.firmware.label, /^slot0\.bin/);
  });

  it("may be an Intel HEX file", async () => {
    flow = await RunningFlow.load(uploading({}));
    const msg = await flow.ask("upload", { smp, firmware: "test/images/signed/at-c000.hex" });
    assert.deepEqual([msg["payload"].outcome, msg.smp.firmware.version], ["uploaded", "2.9.0"]);
  });
});

describe("the folders of firmware", () => {
  let flow: RunningFlow;
  afterEach(() => flow.end());

  const load = async (flowNodes: FlowNode[], smpDfu?: object): Promise<void> => {
    helper.init(runtimePath, { smpDfu });
    flow = await RunningFlow.load(flowNodes);
    helper.init(runtimePath, { smpDfu: undefined });
  };
  const codeOf = async (firmware: string): Promise<string> => {
    flow.put("upload", { smp, firmware });
    await flow.until("an answer", () => flow.all("upload result").length + flow.all("upload error").length > 0);
    return flow.all("upload error")[0]?.error.code ?? "uploaded";
  };

  const rows: readonly [what: string, settings: object, smpDfu: object | undefined, firmware: string, code: string][] =
    [
      ["of a pool let pass what lies below them", { folders: "test/images\n" }, undefined, FILE, "uploaded"],
      ["of a pool refuse what does not", { folders: "examples\nsrc" }, undefined, FILE, "SMP_FIRMWARE_SOURCE"],
      ["of settings.js refuse what does not", {}, { firmwareFolders: [resolve("src")] }, FILE, "SMP_FIRMWARE_SOURCE"],
      ["of settings.js may be one", {}, { firmwareFolders: resolve("test") }, FILE, "uploaded"],
      ["of settings.js may be none", {}, { firmwareFolders: [] }, FILE, "SMP_FIRMWARE_SOURCE"],
      ["of settings.js must be paths", {}, { firmwareFolders: [7] }, FILE, "SMP_BAD_SETTING"],
      [
        "of a pool cannot widen those of settings.js",
        { folders: "test" },
        { firmwareFolders: [resolve("src")] },
        FILE,
        "SMP_FIRMWARE_SOURCE",
      ],
      [
        "do not count for the packaged samples",
        { folders: "src" },
        { firmwareFolders: [] },
        "sample:1.5.0",
        "uploaded",
      ],
      [
        "do not let a pool's factory firmware pass",
        { folders: "src", factoryFirmware: FILE },
        undefined,
        "sample:1.5.0",
        "SMP_BAD_SETTING",
      ],
      [
        "do not let a key file pass",
        { folders: "src", keys: "test/images/ed25519.pub.pem" },
        undefined,
        "sample:1.5.0",
        "SMP_BAD_SETTING",
      ],
    ];
  for (const [what, settings, smpDfu, firmware, code] of rows) {
    it(what, async () => {
      await load(uploading(settings), smpDfu);
      assert.equal(await codeOf(firmware), code);
    });
  }
});
