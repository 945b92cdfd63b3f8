import assert from "node:assert/strict";
import { SmpError } from "../../src/errors";
import { openSession } from "../../src/session/session";
import type { CborMap, Message } from "../../src/smp/message";
import { useFakeTime } from "./fake-time";
import { isImageState, isParameters, ScriptedLink, zephyr } from "./scripted-link";

const FOREVER = new AbortController().signal;

/** A server that answers the parameters command with this. */
const telling = (body: CborMap) => (request: Message) => (isParameters(request) ? body : zephyr(request));

describe("opening a session", () => {
  const time = useFakeTime();

  it("learns frame size and depth from the device, asking once", async () => {
    const link = new ScriptedLink();
    const session = await openSession(link, {}, FOREVER);
    assert.deepEqual(session.parameters, { bufSize: 2475, bufCount: 4 });
    assert.equal(session.maxFrameBytes, 2475);
    assert.equal(session.maxInFlight, 3);
    assert.equal(session.label, "scripted:device");
    assert.equal(link.requests.length, 1);
  });

  it("keeps to the link's limits where they are lower", async () => {
    const link = new ScriptedLink();
    link.maxFrameBytes = 244;
    link.maxInFlight = 1;
    const session = await openSession(link, {}, FOREVER);
    assert.equal(session.maxFrameBytes, 244);
    assert.equal(session.maxInFlight, 1);
  });

  it("has one request under way at a device with a single buffer", async () => {
    const session = await openSession(new ScriptedLink(telling({ buf_size: 512, buf_count: 1 })), {}, FOREVER);
    assert.equal(session.maxFrameBytes, 512);
    assert.equal(session.maxInFlight, 1);
  });

  const unknown: Record<string, CborMap> = {
    "a refusal": { rc: 8 },
    "a refusal of its group": { err: { group: 0, rc: 1 } },
    "an answer without them": {},
    "an answer of the wrong type": { buf_size: "many", buf_count: 4 },
    "buffers too small for any upload": { buf_size: 32, buf_count: 4 },
    "no buffers": { buf_size: 2475, buf_count: 0 },
  };
  for (const [what, body] of Object.entries(unknown)) {
    it(`assumes Zephyr's defaults after ${what}`, async () => {
      const session = await openSession(new ScriptedLink(telling(body)), {}, FOREVER);
      assert.equal(session.parameters, undefined);
      assert.equal(session.maxFrameBytes, 384);
      assert.equal(session.maxInFlight, 1);
    });
  }

  it("accepts a server that keeps silent about parameters but lists its images", async () => {
    const link = new ScriptedLink((request) => (isImageState(request) ? { images: [] } : undefined));
    const opening = openSession(link, {}, FOREVER);
    await time.pass(3_000);
    assert.equal((await opening).parameters, undefined);
  });

  it("accepts a server that keeps silent about parameters and refuses to list its images", async () => {
    const link = new ScriptedLink((request) => (isImageState(request) ? { rc: 8 } : undefined));
    const opening = openSession(link, {}, FOREVER);
    await time.pass(3_000);
    assert.equal((await opening).maxFrameBytes, 384);
  });

  it("fails when nothing answers, says that the link is open, and closes it", async () => {
    const link = new ScriptedLink(() => undefined);
    const failed = assert.rejects(openSession(link, {}, FOREVER), {
      code: "SMP_TIMEOUT",
      message: /^the link to scripted:device is open, but no SMP answer came, neither to os\.parameters nor to image/,
    });
    await time.pass(11_000);
    await failed;
    assert.equal(link.closes, 1);
    assert.equal(time.pending(), 0);
  });

  it("asks a device once more that answers nothing for a while, as when it erases for a client that is gone", async () => {
    const link = new ScriptedLink(() => undefined);
    const opening = openSession(link, {}, FOREVER);
    await time.pass(7_000);
    link.script = zephyr;
    await time.pass(1_000);
    assert.deepEqual((await opening).parameters, { bufSize: 2475, bufCount: 4 });
  });

  it("tells what came instead of an answer", async () => {
    const link = new ScriptedLink((_, far) => far.inject(Buffer.from("login: ")));
    const failed = assert.rejects(openSession(link, {}, FOREVER), {
      message: /no SMP message: 4, the last 7 bytes 6c6f67696e3a20/,
    });
    await time.pass(11_000);
    await failed;
  });

  it("fails with the loss of the link", async () => {
    const link = new ScriptedLink((_, far) => far.lose());
    await assert.rejects(openSession(link, {}, FOREVER), { code: "SMP_LINK_LOST", message: /lost its power/ });
    assert.equal(link.closes, 1);
  });

  for (const [when, passed] of [
    ["the parameters", 500],
    ["the image state", 4_000],
  ] as const) {
    it(`closes the link when it is aborted while it asks for ${when}`, async () => {
      const link = new ScriptedLink(() => undefined);
      const controller = new AbortController();
      const reason = new SmpError("SMP_ABORTED", "the flow stopped");
      const failed = assert.rejects(openSession(link, {}, controller.signal), (error) => error === reason);
      await time.pass(passed);
      controller.abort(reason);
      await failed;
      assert.equal(link.closes, 1);
      assert.equal(time.pending(), 0);
    });
  }
});
