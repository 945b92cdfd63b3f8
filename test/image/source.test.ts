import assert from "node:assert/strict";
import { appendFile, chmod, mkdtemp, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFirmware } from "../../src/image/source";
import { assertFails } from "./bad";
import { inspect, SAMPLE_A } from "./samples";

describe("firmware in a file", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "smp-source-test-"));
    path = join(folder, "zephyr.signed.bin");
    await writeFile(path, SAMPLE_A);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is read in any pieces", async () => {
    const source = await openFirmware(path);
    assert.equal(source.label, path);
    assert.equal(source.sizeBytes, 136);
    assert.deepEqual(Buffer.from(await source.read(0, 4)), SAMPLE_A.subarray(0, 4));
    assert.deepEqual(Buffer.from(await source.read(100, 36)), SAMPLE_A.subarray(100));
    assert.equal((await source.read(136, 0)).length, 0);
    await source.close();
  });

  it("cannot be read beyond its end, nor once it is closed", async () => {
    const source = await openFirmware(path);
    await assertFails(source.read(100, 37), "SMP_FIRMWARE_SOURCE", /37 bytes from byte 100 .* has 136 bytes/);
    await assertFails(source.read(-1, 1), "SMP_FIRMWARE_SOURCE", /byte -1/);
    await source.close();
    await source.close();
    await assertFails(source.read(0, 1), "SMP_FIRMWARE_SOURCE", /closed already/);
  });

  it("that does not exist is named, with the input it came from", async () => {
    const missing = join(folder, "missing.bin");
    const error = await assertFails(
      openFirmware(missing, { what: "msg.firmware" }),
      "SMP_FIRMWARE_SOURCE",
      /msg\.firmware.*missing\.bin does not exist/,
    );
    assert.equal(error.details.field, "msg.firmware");
  });

  it("that is looked for in the wrong folder is named with the folder", async () => {
    const error = await assertFails(openFirmware("nowhere/x.bin"), "SMP_FIRMWARE_SOURCE", /nowhere\/x\.bin/);
    assert.ok(error.message.includes(`(${join(process.cwd(), "nowhere/x.bin")})`), error.message);
  });

  it("with a line end in its path says what to remove", async () => {
    await assertFails(openFirmware(`${path}\n`), "SMP_FIRMWARE_SOURCE", /does not exist/, /line end/);
  });

  it("that is a directory, or no path at all, is refused", async () => {
    await assertFails(openFirmware(folder), "SMP_FIRMWARE_SOURCE", /is a directory/, /zephyr\.signed\.bin/);
    await assertFails(openFirmware("/dev/null"), "SMP_FIRMWARE_SOURCE", /device or pipe/);
    await assertFails(openFirmware(join(path, "x")), "SMP_FIRMWARE_SOURCE", /not a directory/);
    const loop = join(folder, "loop");
    await symlink(loop, loop);
    await assertFails(openFirmware(loop), "SMP_FIRMWARE_SOURCE", /loop/);
  });

  it("that this process may not read is refused", async () => {
    await chmod(path, 0);
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(65534);
    try {
      await assertFails(openFirmware(path), "SMP_FIRMWARE_SOURCE", /may not be read by the user/);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it("that is empty is no image", async () => {
    await truncate(path, 0);
    await assertFails(openFirmware(path), "SMP_BAD_IMAGE", /zephyr\.signed\.bin is empty/);
  });

  it("that is too large is refused", async () => {
    await assertFails(openFirmware(path, { maxBytes: 135 }), "SMP_IMAGE_TOO_LARGE", /limit of 135 bytes/);
    await (await openFirmware(path, { maxBytes: 136 })).close();
    await truncate(path, 64 * 1024 * 1024 + 1);
    await assertFails(openFirmware(path), "SMP_IMAGE_TOO_LARGE", /limit of 67108864 bytes/);
  });

  const changes: { name: string; change: () => Promise<void>; message: RegExp }[] = [
    { name: "grows", change: () => appendFile(path, "x"), message: /changed.*had 136 bytes and has 137 now/ },
    { name: "is cut", change: () => truncate(path, 100), message: /changed.*had 136 bytes and has 100 now/ },
    { name: "is written again", change: () => utimes(path, 1e9, 1e9), message: /changed.*written to/ },
  ];
  for (const { name, change, message } of changes) {
    it(`that ${name} while it is open is noticed`, async () => {
      const source = await openFirmware(path);
      await source.read(0, 8);
      await change();
      await assertFails(source.read(8, 128), "SMP_FIRMWARE_SOURCE", message, /finished file/);
      await source.close();
    });
  }

  it("that is replaced by another file is read to its end as it was", async () => {
    const source = await openFirmware(path);
    await rm(path);
    await writeFile(path, "another");
    assert.deepEqual(Buffer.from(await source.read(0, 136)), SAMPLE_A);
    await source.close();
  });

  it("is not opened when the work was aborted before", async () => {
    await assertFails(openFirmware(path, { signal: AbortSignal.abort() }), "SMP_ABORTED", /abort/);
  });
});

describe("firmware as a value", () => {
  it("is used in place when it is a Buffer", async () => {
    const source = await openFirmware(SAMPLE_A);
    const piece = await source.read(32, 64);
    assert.equal(piece.buffer, SAMPLE_A.buffer);
    assert.deepEqual(Buffer.from(piece), SAMPLE_A.subarray(32, 96));
    await assertFails(source.read(100, 37), "SMP_FIRMWARE_SOURCE", /has 136 bytes/);
    await source.close();
    await source.close();
    await assertFails(source.read(0, 1), "SMP_FIRMWARE_SOURCE", /closed/);
  });

  it("may be a plain Uint8Array or a source that is open already", async () => {
    assert.equal((await inspect(new Uint8Array(SAMPLE_A))).versionText, "1.2.3+4");
    const source = await openFirmware(SAMPLE_A);
    assert.equal(await openFirmware(source), source);
  });

  it("is refused when it is an empty Buffer", async () => {
    await assertFails(openFirmware(Buffer.alloc(0)), "SMP_BAD_IMAGE", /empty/);
  });

  it("is refused when it is a Buffer above the limit", async () => {
    await assertFails(openFirmware(SAMPLE_A, { maxBytes: 100 }), "SMP_IMAGE_TOO_LARGE", /136 bytes .*limit of 100/);
  });

  const wrong: { name: string; input: unknown; given: RegExp; hint?: RegExp }[] = [
    { name: "nothing", input: undefined, given: /is missing/ },
    { name: "null", input: null, given: /is null/ },
    { name: "empty text", input: " ", given: /is empty text/ },
    { name: "a number", input: 5, given: /is a number/ },
    { name: "a function", input: () => 1, given: /is a function/ },
    { name: "an array", input: [SAMPLE_A], given: /is an array of 1/ },
    { name: "an empty object", input: {}, given: /an object without keys/ },
    { name: "an object", input: { file: "x", size: 1 }, given: /an object with file, size/ },
    { name: "a Buffer as JSON", input: SAMPLE_A.toJSON(), given: /Buffer that was turned into JSON/ },
    { name: "a URL", input: "https://example.com/fw.bin", given: /is a URL/, hint: /http request/ },
    { name: "a file's content as text", input: SAMPLE_A.toString(), given: /text of \d+ char/, hint: /Buffer/ },
    { name: "a key's text", input: "-----BEGIN A-----\nsecret", given: /is text of 24 characters that is no path$/ },
    { name: "long text", input: ":10C20000".repeat(1000), given: /text of 9000 char/, hint: /Buffer/ },
  ];
  for (const { name, input, given, hint } of wrong) {
    it(`is refused when it is ${name}, saying what is accepted`, async () => {
      const opening = openFirmware(input, { what: "msg.firmware" });
      const error = await assertFails(
        opening,
        "SMP_BAD_INPUT",
        /^msg\.firmware must be a file's path, a Buffer or/,
        hint,
      );
      assert.match(error.message, given);
      assert.equal(error.details.field, "msg.firmware");
    });
  }
});
