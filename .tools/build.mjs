// Builds dist/: the TypeScript of src/ and nodes/, and beside each node what Node-RED looks for there.
import { cpSync, rmSync, readdirSync, chmodSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

rmSync(dist, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, ".tools/tsconfig.build.json")],
  {
    stdio: "inherit",
  },
);
for (const file of readdirSync(join(root, "nodes"))) {
  if (file.endsWith(".html")) cpSync(join(root, "nodes", file), join(dist, "nodes", file));
}
cpSync(join(root, "nodes/locales"), join(dist, "nodes/locales"), { recursive: true });
cpSync(join(root, "icons"), join(dist, "nodes/icons"), { recursive: true });
cpSync(join(root, "src/device/samples"), join(dist, "src/device/samples"), { recursive: true });
for (const cli of ["src/device/cli.js", "src/trace/cli.js"]) chmodSync(join(dist, cli), 0o755);
