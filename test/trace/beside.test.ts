import assert from "node:assert/strict";
import { textBeside } from "../../src/trace/beside";
import { parseTraceCommand } from "../../src/trace/cli-options";
import { readTrace, timed } from "../../src/trace/read";

describe("the text of a trace", () => {
  const options = parseTraceCommand(["trace.jsonl"]);
  assert.ok(typeof options === "object");

  it("says what a refusal means", () => {
    const stamp = { at: "2026-01-31T10:00:00.000Z", ms: 5, device: "door", link: "udp:door" };
    const refusal = { kind: "frame", n: 1, ...stamp, dir: "in", bytes: 27, command: "image.erase", hex: "" };
    for (const [body, said] of [
      [
        { err: { group: 1, rc: 14 } },
        /\{err: \{group: 1, rc: 14\}\} {2}refused: INVALID_SLOT, there is no such slot\n$/,
      ],
      [{ rc: 8 }, /\{rc: 8\} {2}refused: ENOTSUP, .*\n$/],
      [{ rc: 0 }, /\{rc: 0\}\n$/],
    ] as const) {
      const [line] = textBeside(timed(readTrace(JSON.stringify({ ...refusal, body }))), options);
      assert.match(line!, said);
    }
  });

  it("stands in the order in which it was written, though the clock was set back in between", () => {
    const run = (at: string, text: string): object[] => [
      { kind: "trace", version: 1, at, frames: "described" },
      { kind: "event", n: 1, at, ms: 5, device: "door", link: "udp:door", event: "open", text },
    ];
    const written = [...run("2026-01-31T10:00:00.000Z", "one"), ...run("2026-01-31T09:00:00.000Z", "two")];
    const lines = timed(readTrace(written.map((line) => JSON.stringify(line)).join("\n")));
    assert.deepEqual(
      [...textBeside(lines, options)].map((line) => /(trace of|open: .*)/.exec(line)?.[0]),
      ["trace of", "open: one", "trace of", "open: two"],
    );
  });
});
