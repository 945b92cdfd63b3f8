// Runs a command with both forks of noble at hand: node .tools/with-noble.mjs mocha …
// They compile native code, so they are no devDependencies: npm install must do without a compiler.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const FORKS = ["@abandonware/noble@1.9.2-26", "@stoprocent/noble@2.8.0"];
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, ".cache", "noble", FORKS.join("+").replaceAll("/", "-"));
const modules = join(folder, "node_modules");

if (!existsSync(join(folder, "installed"))) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--no-save", "--loglevel", "error", ...FORKS]);
  writeFileSync(join(folder, "installed"), "");
}
run(process.argv[2], process.argv.slice(3), {
  NODE_PATH: [modules, process.env.NODE_PATH].filter(Boolean).join(delimiter),
  PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
});

function run(command, args, environment = {}) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", env: { ...process.env, ...environment } });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}
