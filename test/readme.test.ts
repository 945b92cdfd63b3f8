import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ERRORS } from "../src/index";

const root = join(__dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

describe("README", () => {
  it("lists every error code with the cure that the code has", () => {
    const [, table = ""] = /<!-- errors -->([\s\S]*?)<!-- \/errors -->/.exec(readme) ?? [];
    const rows = table
      .split("\n")
      .filter((line) => line.startsWith("| `SMP_"))
      .map((line) => line.split("|").map((cell) => cell.trim()));
    const documented = rows.map(([, code, again, cure]) => [code?.replaceAll("`", ""), again === "yes", cure]);
    assert.deepEqual(
      documented,
      Object.entries(ERRORS).map(([code, { retryable, hint }]) => [code, retryable, hint]),
    );
  });

  it("has an example for the library that updates a device", function () {
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const folder = mkdtempSync(join(tmpdir(), "smp-readme-"));
    try {
      mkdirSync(join(folder, "node_modules/@smp-dfu"), { recursive: true });
      symlinkSync(root, join(folder, "node_modules/@smp-dfu/node-red"));
      copyFileSync(join(__dirname, "images/hash-only-1.0.0.bin"), join(folder, "app-1.0.0.signed.bin"));
      copyFileSync(join(__dirname, "images/ed25519-1.5.0.bin"), join(folder, "zephyr.signed.bin"));
      writeFileSync(join(folder, "example.ts"), example);
      const printed = execFileSync(process.execPath, ["--require", require.resolve("tsx/cjs"), "example.ts"], {
        cwd: folder,
        encoding: "utf8",
      });
      assert.match(printed, /uploading \d+ of 20656/);
      assert.match(printed, /after the reset: testing/);
      assert.match(printed, /version: '1\.5\.0'[\s\S]*confirmed: true,\s*active: true/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
