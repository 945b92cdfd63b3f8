// The bench runs compiled, as the package does: what a loader adds to the code would be measured too.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, ".cache/bench");

rmSync(built, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, ".tools/tsconfig.bench.json")],
  { stdio: "inherit" },
);
cpSync(join(root, "src/device/samples"), join(built, "src/device/samples"), { recursive: true });
writeFileSync(join(built, "package.json"), "{}\n");
const args = ["--expose-gc", join(built, "test/bench/main.js"), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
