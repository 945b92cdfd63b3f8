/**
 * The suite that every transport passes. A transport's own test calls it with a fixture: the transport, and the far ends
 * of its links under the test's control.
 */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { SmpError } from "../../src/errors";
import type { Link, Transport } from "../../src/transport/transport";

/** The peer of an open link. */
export interface FarEnd {
  /** Frames that came over the link so far, oldest first. */
  readonly received: readonly Uint8Array[];
  send(frame: Uint8Array): void;
  /** Goes away without a word, as a device that loses power. */
  vanish(): void;
}

export interface TransportFixture<Address> {
  readonly transport: Transport<Address>;
  /** Two devices that are there, as a message names them. */
  readonly present: readonly [unknown, unknown];
  /** A device that is not there, as a message names it. */
  readonly missing: unknown;
  /** What no message may name. */
  readonly bad: readonly unknown[];
  /** The far end of the link that was opened last to this device. */
  farEnd(device: unknown): FarEnd;
  /** Links that the far ends see open. */
  openLinks(): number;
  close(): Promise<void>;
}

const FOREVER = new AbortController().signal;

export function transportContract<Address>(
  name: string,
  makeFixture: () => Promise<TransportFixture<Address>> | TransportFixture<Address>,
): void {
  describe(`transport contract: ${name}`, () => {
    let fixture: TransportFixture<Address>;
    const links: Link[] = [];

    beforeEach(async () => {
      fixture = await makeFixture();
    });
    afterEach(async () => {
      await Promise.all(links.splice(0).map((link) => link.close()));
      await fixture.close();
    });

    const open = async (device: unknown = fixture.present[0], signal = FOREVER): Promise<Link> => {
      const link = await fixture.transport.open(fixture.transport.parse(device), signal);
      links.push(link);
      return link;
    };

    it("says what a link can carry", async () => {
      const link = await open();
      assert.match(link.label, new RegExp(`^${fixture.transport.scheme}:.+`));
      assert.ok(link.maxFrameBytes >= 20, "holds at least the smallest Bluetooth packet");
      assert.ok(link.maxInFlight >= 1);
    });

    it("gives the same device one key and different devices different keys", () => {
      const [one, other] = fixture.present;
      const key = (device: unknown): string => fixture.transport.key(fixture.transport.parse(device));
      assert.equal(key(one), key(one));
      assert.notEqual(key(one), key(other));
    });

    it("carries frames of unequal sizes both ways, in order and unchanged", async () => {
      const link = await open();
      const frames = sizesUpTo(link.maxFrameBytes).map(frameOf);
      for (const frame of frames) await link.send(frame, FOREVER);
      const far = fixture.farEnd(fixture.present[0]);
      await until(() => far.received.length >= frames.length);
      assertFrames(far.received, frames);
      frames.forEach((frame) => far.send(frame));
      assertFrames(await take(link.frames, frames.length), frames);
    });

    it("does not keep the frame it was given", async () => {
      const link = await open();
      const frame = frameOf(20);
      await link.send(frame, FOREVER);
      frame.fill(0xff);
      const far = fixture.farEnd(fixture.present[0]);
      await until(() => far.received.length > 0);
      assertFrames(far.received, [frameOf(20)]);
    });

    it("keeps two links side by side apart", async () => {
      const [one, other] = [await open(fixture.present[0]), await open(fixture.present[1])];
      fixture.farEnd(fixture.present[1]).send(frameOf(30));
      fixture.farEnd(fixture.present[0]).send(frameOf(20));
      assertFrames(await take(one.frames, 1), [frameOf(20)]);
      assertFrames(await take(other.frames, 1), [frameOf(30)]);
      fixture.farEnd(fixture.present[1]).vanish();
      await one.send(frameOf(10), FOREVER);
    });

    it("refuses a device that is not there, and says which", async () => {
      const error = await failure(async () => open(fixture.missing));
      assert.ok(error.code === "SMP_LINK_OPEN" || error.code === "SMP_UNKNOWN_DEVICE", error.code);
      assert.ok(error.message.includes(String(fixture.missing)), error.message);
    });

    it("refuses addresses of every wrong type without opening anything", () => {
      for (const bad of [undefined, null, true, 7, Number.NaN, [], {}, "", () => "x", Symbol("x"), ...fixture.bad]) {
        assert.throws(() => fixture.transport.parse(bad), isCode("SMP_BAD_INPUT", "SMP_UNKNOWN_DEVICE"));
      }
      assert.equal(fixture.openLinks(), 0);
    });

    it("opens nothing when the signal is aborted, and throws its reason", async () => {
      const reason = new SmpError("SMP_ABORTED", "changed my mind");
      assert.equal(await failure(() => open(fixture.present[0], AbortSignal.abort(reason))), reason);
      assert.equal(fixture.openLinks(), 0);
    });

    it("gives up opening when the signal aborts meanwhile, and leaves no link behind", async () => {
      const reason = new SmpError("SMP_ABORTED", "changed my mind");
      const controller = new AbortController();
      const opening = failure(() => open(fixture.present[0], controller.signal));
      controller.abort(reason);
      assert.equal(await opening, reason);
      await until(() => fixture.openLinks() === 0);
    });

    it("does not send when the signal is aborted", async () => {
      const link = await open();
      const reason = new SmpError("SMP_ABORTED", "changed my mind");
      assert.equal(await failure(() => link.send(frameOf(20), AbortSignal.abort(reason))), reason);
      await link.send(frameOf(30), FOREVER);
      const far = fixture.farEnd(fixture.present[0]);
      await until(() => far.received.length > 0);
      assertFrames(far.received, [frameOf(30)]);
    });

    it("delivers what came before the peer was lost, then throws SMP_LINK_LOST once", async () => {
      const link = await open();
      const far = fixture.farEnd(fixture.present[0]);
      far.send(frameOf(20));
      far.vanish();
      const frames = link.frames[Symbol.asyncIterator]();
      assert.deepEqual(await frames.next(), { done: false, value: frameOf(20) });
      assert.equal((await failure(() => frames.next())).code, "SMP_LINK_LOST");
      assert.equal((await frames.next()).done, true);
      assert.equal((await failure(() => link.send(frameOf(20), FOREVER))).code, "SMP_LINK_LOST");
    });

    it("ends a consumer that waits when it is closed, and tells the far end", async () => {
      const link = await open();
      const waiting = take(link.frames, 1);
      await link.close();
      assert.deepEqual(await waiting, []);
      await until(() => fixture.openLinks() === 0);
    });

    it("is closed as often as one likes, also after the loss", async () => {
      const link = await open();
      await Promise.all([link.close(), link.close()]);
      await link.close();
      const other = await open(fixture.present[1]);
      fixture.farEnd(fixture.present[1]).vanish();
      assert.equal((await failure(() => take(other.frames, 1))).code, "SMP_LINK_LOST");
      await other.close();
    });

    it("sends nothing after the close", async () => {
      const link = await open();
      await link.close();
      assert.equal((await failure(() => link.send(frameOf(20), FOREVER))).code, "SMP_LINK_LOST");
    });

    it("settles what is being sent when it is closed", async () => {
      const link = await open();
      const sending = link.send(frameOf(Math.min(link.maxFrameBytes, 2_000)), FOREVER).then(
        () => "sent",
        (error: SmpError) => error.code,
      );
      await link.close();
      assert.match(await sending, /^(sent|SMP_LINK_LOST)$/);
    });

    it("refuses a second consumer of its frames", async () => {
      const link = await open();
      const first = take(link.frames, 1);
      assert.equal((await failure(() => take(link.frames, 1))).code, "SMP_INTERNAL");
      fixture.farEnd(fixture.present[0]).send(frameOf(20));
      assertFrames(await first, [frameOf(20)]);
    });

    it("opens the same device anew after a close and after a loss", async () => {
      await (await open()).close();
      const second = await open();
      fixture.farEnd(fixture.present[0]).vanish();
      assert.equal((await failure(() => take(second.frames, 1))).code, "SMP_LINK_LOST");
      const third = await open();
      fixture.farEnd(fixture.present[0]).send(frameOf(20));
      assertFrames(await take(third.frames, 1), [frameOf(20)]);
    });

    it("leaves no listener on a signal and no timer behind", async () => {
      await nextTurn(); // mocha's own timer starts only then
      const timers = countTimers();
      const controller = new AbortController();
      const link = await open(fixture.present[0], controller.signal);
      await link.send(frameOf(20), controller.signal);
      await link.close();
      assert.equal(getEventListeners(controller.signal, "abort").length, 0);
      assert.equal(countTimers(), timers);
    });

    it("stays open when the signal it was opened with aborts later", async () => {
      const controller = new AbortController();
      const link = await open(fixture.present[0], controller.signal);
      controller.abort();
      await link.send(frameOf(20), FOREVER);
    });
  });
}

/** A whole SMP frame, as links carry them, whose content tells its length and place, so that mixed up bytes are noticed. */
function frameOf(bytes: number): Uint8Array {
  const frame = Uint8Array.from({ length: bytes }, (_, index) => (bytes + index * 7) % 256);
  const bodyBytes = bytes - 8;
  frame.set([0x0b, 0, bodyBytes >> 8, bodyBytes & 0xff]);
  return frame;
}

function sizesUpTo(max: number): number[] {
  return [8, 9, 20, 21, 128, 244, 245, 1_000, max - 1, max].filter((size) => size <= max);
}

async function take(frames: AsyncIterable<Uint8Array>, count: number): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  for await (const frame of frames) {
    if (taken.push(frame) === count) break;
  }
  return taken;
}

function assertFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): void {
  const hex = (frames: readonly Uint8Array[]): string[] => frames.map((frame) => Buffer.from(frame).toString("hex"));
  assert.deepEqual(hex(actual), hex(expected));
}

async function failure(work: () => Promise<unknown>): Promise<SmpError> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof SmpError, `not an SmpError: ${String(error)}`);
    return error;
  }
  throw new assert.AssertionError({ message: "expected a failure" });
}

function isCode(...codes: string[]): (error: unknown) => boolean {
  return (error) => error instanceof SmpError && codes.includes(error.code);
}

/** Waits for what the medium needs a moment for; mocha's own timeout ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}
