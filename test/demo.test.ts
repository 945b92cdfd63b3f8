/** `npm start` and `npm run demo`, as in a terminal. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { packageDir } from "./node-red";

const script = join(packageDir, ".tools/start.mjs");
const images = join(packageDir, "test/images");

describe("demo", function () {
  this.timeout(120_000);

  describe("with a 400 KB image", () => {
    let out: string;
    let code: number | null;
    let tookMs: number;

    before(async () => {
      const begin = performance.now();
      ({ code, out } = await run("--once"));
      tookMs = performance.now() - begin;
    });

    it("ends with what was updated and how long it took", () => {
      assert.equal(code, 0, out);
      const last = out.trimEnd().split("\n").at(-1)!;
      const told = /^updated virtual device sensor-1 from 1\.0\.0 to 4\.0\.0, confirmed, in (\d+\.\d) s$/.exec(last);
      assert.ok(told, last);
      assert.ok(Number(told[1]) * 1000 <= tookMs, `it tells ${told[1]} s, the process ran ${tookMs} ms`);
    });

    it("shows each step's result and the progress as lines when there is no terminal", () => {
      const steps = out.split("\n").map((line) => line.slice(2, 15).trim());
      for (const step of ["connect", "image state", "upload", "test", "reset", "confirm"])
        assert.ok(steps.includes(step), `${step} is not in\n${out}`);
      assert.match(out, /upload .*100 %/);
      assert.ok(!out.includes("\r") && !out.includes("\x1b["), "no cursor control without a terminal");
    });
  });

  it("ends with exit code 1 and the error when the file is text", async () => {
    const { code, out } = await run("--once", join(packageDir, "package.json"));
    assert.equal(code, 1);
    assert.match(out, /package\.json.*\(SMP_BAD_IMAGE\)/);
    assert.match(out.trimEnd().split("\n").at(-1)!, /signed/, "the last line is the hint");
  });

  it("ends with exit code 1 and the path when there is no such file", async () => {
    const { code, out } = await run("--once", "no/such/file.bin");
    assert.equal(code, 1);
    assert.match(out, /no\/such\/file\.bin.*\(SMP_FIRMWARE_SOURCE\)/);
  });

  it("stays with the editor open after npm start, on a free port when 1880 is taken, and ends at Ctrl-C", async () => {
    const other = createServer().listen(1880, "127.0.0.1");
    await once(other, "listening").catch(() => {}); // somebody has it already: as good
    const child = start(join(images, "ed25519-1.5.0.bin"));
    const url = await printed(child, /editor is open at (http:\/\/127\.0\.0\.1:\d+)/);
    assert.notEqual(new URL(url).port, "1880");
    const flows = (await (await fetch(`${url}/flows`)).json()) as { type: string; label?: string }[];
    assert.ok(flows.some(({ label }) => label === "SMP 02 whole update"));
    const exited = once(child, "exit");
    child.kill("SIGINT");
    assert.deepEqual(await exited, [0, null]);
    other.close();
  });

  it("updates with the image that is given", async () => {
    const { code, out } = await run("--once", join(images, "rsa-2048-1.5.0.bin"));
    assert.equal(code, 0, out);
    assert.match(out, /from 1\.0\.0 to 1\.5\.0, confirmed/);
  });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [script, ...args], { cwd: packageDir, stdio: ["ignore", "pipe", "pipe"] });
}

async function run(...args: string[]): Promise<{ code: number | null; out: string }> {
  const child = start(...args);
  let out = "";
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text) => (out += text));
  await once(child, "close");
  return { code: child.exitCode, out };
}

/** Waits for a text in the output and gives its first group. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = "";
    child.once("exit", () => reject(new Error(`ended without ${pattern}: ${out}`)));
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const found = pattern.exec(out);
      if (found) resolve(found[1]!);
    });
  });
}
