import assert from "node:assert/strict";
import { after } from "../../src/clock";
import { SmpError } from "../../src/errors";
import { image, os } from "../../src/smp/commands";
import { openSession } from "../../src/session/session";
import type { CborMap, Message } from "../../src/smp/message";
import { randomFrom } from "../random";
import { useFakeTime } from "./fake-time";
import { isParameters, ScriptedLink } from "./scripted-link";

const SEEDS = 25;
const REQUESTS = 60;

/** What each answer says tells whose it is. */
function answerOf(request: Message): CborMap {
  if (isParameters(request)) return { buf_size: 2475, buf_count: 9 };
  return request.group === 0 ? { r: request.body["d"] } : { off: request.body["off"] };
}

describe("session over an unreliable link", () => {
  const time = useFakeTime();

  it(`never gives a request another's answer, in ${SEEDS} random runs of loss, repetition and reordering`, async () => {
    let answered = 0;
    let dropped = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomFrom(seed);
      const link = new ScriptedLink((request, far) => {
        if (isParameters(request)) return answerOf(request);
        for (const share of [0.85, 0.3]) {
          if (random() < share) after(random() * 200, () => far.answer(request, answerOf(request)));
        }
        return undefined;
      });
      const session = await openSession(link, {}, new AbortController().signal);
      const outcomes = Array.from({ length: REQUESTS }, async (_, index) => {
        const options = { timeoutMs: 60 };
        if (random() < 0.5) {
          const d = `request ${index}`;
          assert.deepEqual(await session.request(os.echo, { d }, options), { r: d });
        } else {
          const data = Uint8Array.of(index);
          assert.deepEqual(await session.request(image.upload, { off: index, data }, options), { off: index });
        }
      });
      const settled = Promise.allSettled(outcomes);
      await time.pass(10_000);
      for (const outcome of await settled) {
        if (outcome.status === "fulfilled") answered++;
        else assert.ok(outcome.reason instanceof SmpError && outcome.reason.code === "SMP_TIMEOUT", outcome.reason);
      }
      dropped += session.counters.stale;
      assert.equal(time.pending(), 0);
    }
    // The runs were neither too easy nor hopeless.
    assert.ok(answered > SEEDS * REQUESTS * 0.2 && answered < SEEDS * REQUESTS, `${answered} answered`);
    assert.ok(dropped > SEEDS * 10, `${dropped} dropped`);
  });
});
