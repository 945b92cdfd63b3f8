import FakeTimers from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createSpool } from "../../src/image/spool";
import { assertFails } from "./bad";
import { IMAGES, inspect, SAMPLE_A } from "./samples";

/** A directory for temporary files of this suite alone, and what of them is left, open ones without a name too. */
function useTemporaryFolder(): { leftOver: () => Promise<string[]> } {
  const before = process.env["TMPDIR"];
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "smp-spool-test-"));
    process.env["TMPDIR"] = folder;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    await rm(folder, { recursive: true, force: true });
  });
  return { leftOver: async () => [...(await readdir(folder)), ...(await openFilesIn(folder))] };
}

async function openFilesIn(folder: string): Promise<string[]> {
  const handles = await readdir("/proc/self/fd").catch(() => []);
  const targets = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(join(folder, "smp-firmware-")));
}

/** Gives some bytes, then nothing; `asked` resolves when it is asked for what never comes. */
function stallingStream(): { stream: Readable; asked: Promise<void> } {
  const { promise: asked, resolve } = promiseWithResolvers();
  let isFirst = true;
  const stream = new Readable({
    read() {
      if (isFirst) this.push(SAMPLE_A.subarray(0, 50));
      else resolve();
      isFirst = false;
    },
  });
  return { stream, asked };
}

function promiseWithResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe("firmware from a stream", () => {
  const { leftOver } = useTemporaryFolder();

  it("is the same as from the file, and leaves no temporary file", async () => {
    const path = join(IMAGES, "ed25519-large-4.0.0.bin");
    const source = await openFirmware(createReadStream(path), { what: "msg.payload" });
    assert.equal(source.label, "the stream of msg.payload (400656 bytes)");
    const fromStream = await inspectFirmware(source);
    const fromFile = await inspect(path);
    assert.deepEqual({ ...fromStream, label: "" }, { ...fromFile, label: "" });
    await source.close();
    await source.close();
    assert.deepEqual(await leftOver(), []);
  });

  it("may come from an async iterator or a web stream", async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const byte of SAMPLE_A) yield Uint8Array.of(byte);
    }
    assert.equal((await inspect(pieces())).versionText, "1.2.3+4");
    const body = new Response(new Uint8Array(SAMPLE_A)).body;
    assert.equal((await inspect(body)).versionText, "1.2.3+4");
    assert.deepEqual(await leftOver(), []);
  });

  it("that fails half way is explained, with how far it came", async () => {
    const stream = Readable.from(
      (async function* () {
        yield SAMPLE_A.subarray(0, 50);
        throw new Error("connection reset");
      })(),
    );
    const error = await assertFails(openFirmware(stream), "SMP_FIRMWARE_SOURCE", /50 bytes: connection reset/);
    assert.equal(error.retryable, true);
    assert.deepEqual(await leftOver(), []);
  });

  it("that was destroyed before it ended is explained", async () => {
    const { stream, asked } = stallingStream();
    const opening = assertFails(openFirmware(stream), "SMP_FIRMWARE_SOURCE", /after 50 bytes/);
    await asked;
    stream.destroy();
    await opening;
    assert.deepEqual(await leftOver(), []);
  });

  it("that is aborted is destroyed", async () => {
    const stop = new AbortController();
    const { stream, asked } = stallingStream();
    const opening = assertFails(openFirmware(stream, { signal: stop.signal }), "SMP_ABORTED", /abort/);
    await asked;
    stop.abort();
    await opening;
    assert.equal(stream.destroyed, true);
    assert.deepEqual(await leftOver(), []);
  });

  it("that comes when the work was aborted already is destroyed, and a late error of it does no harm", async () => {
    const { stream } = stallingStream();
    await assertFails(openFirmware(stream, { signal: AbortSignal.abort() }), "SMP_ABORTED", /abort/);
    assert.equal(stream.destroyed, true);
    stream.emit("error", new Error("late"));
    assert.deepEqual(await leftOver(), []);
  });

  it("that is an iterator is told to stop when the work is aborted, and its complaint goes nowhere", async () => {
    const stop = new AbortController();
    const unheard: unknown[] = [];
    const hear = (reason: unknown): void => void unheard.push(reason);
    process.on("unhandledRejection", hear);
    let returned = false;
    const iterator: AsyncIterableIterator<Uint8Array> = {
      [Symbol.asyncIterator]: () => iterator,
      next: () => {
        stop.abort();
        return new Promise(() => undefined);
      },
      return: async () => {
        returned = true;
        throw new Error("a complaint");
      },
    };
    try {
      await assertFails(openFirmware(iterator, { signal: stop.signal }), "SMP_ABORTED", /abort/);
      await setImmediate();
    } finally {
      process.off("unhandledRejection", hear);
    }
    assert.equal(returned, true);
    assert.deepEqual(unheard, []);
  });

  it("that stands still for a minute is given up", async () => {
    const clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { promise: asked, resolve } = promiseWithResolvers();
      const stuck = { next: () => (resolve(), new Promise<never>(() => undefined)) };
      const opening = assertFails(
        openFirmware({ [Symbol.asyncIterator]: () => stuck }),
        "SMP_FIRMWARE_SOURCE",
        /after 0 bytes: the next part .* did not come within 60 s/,
      );
      await asked;
      clock.tick(60_000);
      await opening;
      assert.equal(clock.countTimers(), 0);
    } finally {
      clock.uninstall();
    }
    assert.deepEqual(await leftOver(), []);
  });

  it("that never ends is stopped at the limit, whatever memory there is", async () => {
    let givenBytes = 0;
    const stream = new Readable({
      read(size) {
        givenBytes += size;
        this.push(Buffer.alloc(size));
      },
    });
    const limit = 1024 * 1024;
    await assertFails(openFirmware(stream, { maxBytes: limit }), "SMP_IMAGE_TOO_LARGE", /limit of 1048576 bytes/);
    assert.equal(stream.destroyed, true);
    assert.ok(givenBytes < limit + 5 * stream.readableHighWaterMark, `${givenBytes} bytes were read`);
    assert.deepEqual(await leftOver(), []);
  });

  it("that ends at once is empty", async () => {
    await assertFails(openFirmware(Readable.from([])), "SMP_BAD_IMAGE", /is empty/, /read it before/);
    assert.deepEqual(await leftOver(), []);
  });

  it("that gives text instead of Buffers is refused", async () => {
    const stream = createReadStream(join(IMAGES, "hash-only-1.0.0.bin"), "utf8");
    await assertFails(openFirmware(stream), "SMP_BAD_INPUT", /must give Buffers.*string/, /binary/);
    assert.equal(stream.destroyed, true);
    assert.deepEqual(await leftOver(), []);
  });

  it("cannot be stored when there is no temporary directory", async () => {
    process.env["TMPDIR"] = join(IMAGES, "nowhere");
    const { stream } = stallingStream();
    await assertFails(openFirmware(stream), "SMP_FIRMWARE_SOURCE", /cannot store .*ENOENT/, /nowhere/);
    assert.equal(stream.destroyed, true);
  });
});

describe("firmware from a series of Buffers", () => {
  const { leftOver } = useTemporaryFolder();

  it("is put together in the order of the calls", async () => {
    const spool = await createSpool("the parts of msg.payload");
    await Promise.all([0, 40, 80, 120].map((off) => spool.write(SAMPLE_A.subarray(off, off + 40))));
    assert.equal(spool.writtenBytes, 136);
    const source = await spool.finish();
    assert.deepEqual(Buffer.from(await source.read(0, 136)), SAMPLE_A);
    await spool.discard();
    assert.equal((await inspectFirmware(source)).versionText, "1.2.3+4");
    await source.close();
    assert.deepEqual(await leftOver(), []);
  });

  it("that is not wanted any more leaves nothing", async () => {
    const spool = await createSpool("the parts");
    await spool.write(SAMPLE_A);
    await spool.discard();
    await spool.discard();
    assert.deepEqual(await leftOver(), []);
    await assertFails(spool.write(SAMPLE_A), "SMP_FIRMWARE_SOURCE", /the parts: it was discarded already/);
  });

  it("that has a wrong part fails, now and at the end, and leaves nothing", async () => {
    const spool = await createSpool("the parts", { maxBytes: 200 });
    await spool.write(SAMPLE_A);
    await assertFails(spool.write(SAMPLE_A), "SMP_IMAGE_TOO_LARGE", /the parts is larger than the limit of 200/);
    assert.deepEqual(await leftOver(), []);
    await assertFails(spool.finish(), "SMP_IMAGE_TOO_LARGE", /limit of 200/);
  });

  it("is finished once", async () => {
    const spool = await createSpool("the parts");
    await spool.write(SAMPLE_A);
    const source = await spool.finish();
    await assertFails(spool.finish(), "SMP_FIRMWARE_SOURCE", /finished already/);
    await assertFails(spool.write(SAMPLE_A), "SMP_FIRMWARE_SOURCE", /finished already/);
    await source.close();
    assert.deepEqual(await leftOver(), []);
  });

  it("without a part is empty", async () => {
    const spool = await createSpool("the parts");
    await assertFails(spool.finish(), "SMP_BAD_IMAGE", /the parts is empty/);
    assert.deepEqual(await leftOver(), []);
  });
});
