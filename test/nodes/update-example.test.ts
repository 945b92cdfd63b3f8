import assert from "node:assert/strict";
import { join } from "node:path";
import { runExample, type ExampleRun } from "../example-run";
import { packageDir } from "../node-red";

const largeImage = join(packageDir, "test/images/ed25519-large-4.0.0.bin");

describe("example 09 - Update many devices", function () {
  this.timeout(60_000);
  let run: ExampleRun;
  afterEach(() => run?.end());
  const file = "09 - Update many devices.json";

  it("plans without touching a device, then updates all, each with its verdict", async () => {
    run = await runExample(file);
    run.press("dry run");
    const plans = (await run.see("result")) as string[];
    assert.equal(plans.length, 3);
    for (const plan of plans) assert.match(plan, /^sensor-\d: 1\.0\.0 runs: 1\.5\.0 is uploaded, .* and confirmed$/);
    run.press("update all");
    const verdicts = await run.see("result", 2);
    assert.deepEqual(verdicts, ["sensor-1: confirmed", "sensor-2: confirmed", "sensor-3: reverted"]);
    assert.deepEqual(run.entries("gate").map(String).toSorted(), [
      "sensor-1: passes",
      "sensor-2: passes",
      "sensor-3: does not pass",
    ]);
    assert.ok(run.statuses("progress").includes("100 %, 3 of 3 done"));
    assert.deepEqual(run.entries("error"), []);
  });

  it("is stopped by a button", async () => {
    run = await runExample(file, (node) => {
      if (node.name === "update all") node["props"] = withFirmware(node["props"], largeImage);
    });
    run.press("update all");
    await run.progress("");
    run.press("stop");
    const verdicts = await run.see("result");
    assert.deepEqual(verdicts, ["sensor-1: failed", "sensor-2: not-started", "sensor-3: not-started"]);
  });
});

function withFirmware(props: unknown, path: string): object[] {
  return (props as { p: string }[]).map((prop) => (prop.p === "firmware" ? { ...prop, v: path } : prop));
}
