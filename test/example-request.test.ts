import assert from "node:assert/strict";
import { runExample, type ExampleRun } from "./example-run";

describe("example 10 - Any SMP command", () => {
  let run: ExampleRun;

  afterEach(() => run?.end());

  const file = "10 - Any SMP command.json";

  it("shows the answers to commands by name, and to one that the message names", async () => {
    run = await runExample(file);
    run.press("what is it?");
    assert.match(((await run.see("answer")) as { output: string }).output, /^Zephyr sensor-1 /);
    run.press("erase the free slot");
    assert.deepEqual(await run.see("answer", 2), {});
    run.press("echo from the message");
    assert.deepEqual(await run.see("answer", 3), { r: "hello" });
    assert.deepEqual(run.entries("error"), []);
  });

  it("shows the meaning of a refusal", async () => {
    run = await runExample(file);
    run.press("a command of the application");
    const { code, rc, rcName } = (await run.see("error")) as { code: string; rc: number; rcName: string };
    assert.deepEqual([code, rc, rcName], ["SMP_DEVICE", 8, "ENOTSUP"]);
  });
});
