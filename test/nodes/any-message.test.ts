/** Whatever comes to a node ends in one result or one error that says what to do, and Node-RED lives. */
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { ERRORS } from "../../src/errors";
import { commands } from "../../src/index";
import { anything } from "../fuzz/inputs";
import { node, pool, probe, RunningFlow, surrounded, tab, watchers, type Msg } from "./flow";

/** The same messages in each run; more of them, and others, are made with another seed. */
const SEED = Number(process.env["FUZZ_SEED"] ?? 6);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 40);

/** Where the one message leaves a node. Frames may be answered by several or none, and discover gives each device besides. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  discover: ["all", "error"],
  connect: ["result", "error"],
  state: ["result", "up to date", "error"],
  update: ["result", "error"],
  upload: ["result", "error"],
  test: ["result", "error"],
  reset: ["result", "error"],
  confirm: ["result", "error"],
  request: ["result", "error"],
  gateway: ["response", "error"],
  in: ["error"],
};
const IDS = Object.keys(ENDS);

const msg = (property: string): object => ({ [property]: property, [`${property}Type`]: "msg" });
const FIRMWARE = { ...msg("firmware"), ...msg("image"), ...msg("sha256") };
const FLOW = [
  tab,
  pool({ slotKiB: "128", devices: [{ name: "a" }, { name: "b" }] }),
  // A gateway keeps its devices for a while.
  { ...pool({ devices: [{ name: "a" }] }), id: "field" },
  { ...pool({ link: "flow" }), id: "far" },
  ...surrounded("discover", "smp-discover", { pool: "pool" }),
  ...surrounded("connect", "smp-connect", { pool: "pool", ...msg("device") }),
  ...surrounded("state", "smp-image-state", FIRMWARE),
  ...surrounded("update", "smp-update", { ...FIRMWARE, device: "smp.device", deviceType: "msg" }),
  ...surrounded("upload", "smp-upload", FIRMWARE),
  ...surrounded("test", "smp-test", { ...msg("hash"), ...msg("image") }),
  ...surrounded("reset", "smp-reset", { waitS: "5" }),
  ...surrounded("confirm", "smp-confirm", { ...msg("hash"), ...msg("image") }),
  ...surrounded("request", "smp-request", { ...msg("command"), request: "payload", requestType: "msg" }),
  ...surrounded("gateway", "smp-gateway", { pool: "field", gateway: "gw" }),
  node("in", "smp-frames-in", { pool: "far" }, [["in error"]]),
  probe("in error"),
  ...watchers(...IDS),
];

/** Mostly what gets past the first check, for what lies behind it. */
const or = (...right: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: anything });
/** Members of which any may be missing, but those of `always`. */
const some = (
  members: Record<string, fc.Arbitrary<unknown>>,
  always: string[] = [],
): fc.Arbitrary<Record<string, unknown>> => fc.record(members, { requiredKeys: always });

const names = Object.values(commands)
  .flatMap((group) => Object.values(group))
  .map(({ name }) => name);
const smp = some(
  {
    pool: or("pool", "pool", "pool", "pool", "far", "nowhere", "connect"),
    device: or("a", "a", "a", "b", "b", ["a", "b"], [{ device: "b" }, "a", "a"], ["a", 7]),
    firmware: or({ hash: "ab".repeat(32), image: 0 }, { hash: 7 }),
    gate: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: or(true, false) }),
    ack: or(true, undefined),
    id: or("x"),
    error: anything,
  },
  ["pool", "device"],
);
const parts = some({ type: or("buffer", "array"), id: or("s"), index: or(0, 1, 2), count: or(1, 2), len: anything });
const message = some(
  {
    payload: or({}, { d: "x" }, { slot: 1 }, { v: 1, device: "a", frame: "AgAAAAAAAAA=" }, Buffer.alloc(9)),
    smp: fc.oneof({ weight: 4, arbitrary: smp }, { weight: 1, arbitrary: anything }),
    device: or("a", "b", "c"),
    firmware: or("sample:1.5.0", "test/images/hash-only-2.0.0+77.bin", "nowhere.bin", {
      data: "sample:1.5.0",
      sha256: 1,
    }),
    image: or(undefined, 0, "0", 15),
    sha256: or(undefined, undefined, "00".repeat(32)),
    hash: or("ab".repeat(32)),
    command: or(...names, { op: "read", group: 64, id: 1 }, { op: "write", group: 1, id: 1, repeatable: 1 }),
    action: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: or("plan", "abort", "pause", "resume", "announce", "disconnect") },
    ),
    parts: fc.oneof(
      { weight: 6, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: or(undefined) },
      { weight: 1, arbitrary: parts },
    ),
    topic: or("a", "t"),
    error: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anything }),
    retain: or(false),
    messageExpiryInterval: or(undefined),
  },
  ["smp", "device", "firmware", "command"],
);

/** Messages that steer others, or are a part of one, have no end of their own. */
function isSilent(id: string, { action, parts: series }: Msg): boolean {
  if (id === "in" || id === "gateway" || action === "abort") return true;
  return (
    (id === "update" && (action === "pause" || action === "resume")) || (typeof series === "object" && series !== null)
  );
}

describe("any message", function () {
  this.timeout(60_000);

  it("ends in one result or one error with a hint, at every node", async () => {
    const flow = await RunningFlow.load(FLOW);
    let count = 0;
    try {
      const property = fc.asyncProperty(message, async (given) => {
        const mark = ++count;
        const marked = (end: string): Msg[] => flow.all(end).filter((each) => each["mark"] === mark);
        for (const id of IDS) flow.put(id, { ...structuredClone(given), mark, to: id });
        // Parts wait for more parts, and a pause waits for its end.
        if (given["parts"]) for (const id of ["state", "update", "upload"]) flow.put(id, { action: "abort" });
        flow.put("update", { action: "resume" });
        await flow.until(`all ends of message ${mark}`, () => marked("completed").length === IDS.length);
        for (const id of IDS) {
          const ends = ENDS[id]!.flatMap((end) => marked(`${id} ${end}`));
          assert.ok(ends.length === 1 || (ends.length === 0 && isSilent(id, given)), `${ends.length} ends of ${id}`);
          for (const end of marked(`${id} error`)) assertExplained(end);
        }
      });
      await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
      assert.deepEqual(flow.all("caught"), []);
      flow.put("connect", { device: "b", mark: "last" });
      await flow.until("the answer to a good message", () => flow.all("connect result").at(-1)?.["mark"] === "last");
    } finally {
      await flow.end();
    }
  });
});

function assertExplained({ error, smp: { error: report } }: Msg): void {
  assert.ok(report.code in ERRORS && report.code !== "SMP_INTERNAL", `${report.code}: ${report.message}`);
  assert.ok(error.message.length > 10 && error.message.length < 2000, error.message);
  assert.ok(report.hint.length > 10, `no hint: ${error.message}`);
  if (/^SMP_BAD_(INPUT|SETTING)$/.test(report.code)) assert.equal(typeof report.field, "string", error.message);
}
