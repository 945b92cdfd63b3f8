/**
 * What the guest is made of: Debian's kernel and busybox, unpacked but not installed, this machine's node, our program compiled, and
 * the packages that it loads. All under .cache/kernel, nothing of it is committed.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { run } from "../interop/peers";

const ROOT = join(__dirname, "../..");
export const CACHE = join(ROOT, ".cache/kernel");
const DEBIAN = join(CACHE, "debian");
const STAGE = join(CACHE, "stage");
const FORKS = ["@abandonware", "@stoprocent"].flatMap((by) => [`${by}/noble`, `${by}/bluetooth-hci-socket`]);
const LOADED = [...FORKS, "cbor-x"];
/** Where packages are: noble comes from elsewhere (.tools/with-noble.mjs). */
const INSTALLED = [join(ROOT, "node_modules"), ...(process.env["NODE_PATH"] ?? "").split(delimiter)];
/** They only compile the native module, which is done. */
const BUILD_TOOLS = ["@mapbox/node-pre-gyp", "node-gyp", "nan", "node-addon-api"];
/** Folders of the kernel's modules that Bluetooth takes from. */
const MODULES = ["net/bluetooth", "net/rfkill", "drivers/bluetooth/hci_vhci.ko", "crypto", "lib"];
const MOUNTS = ["proc", "sys", "dev", "tmp"];

/** Paths. */
export interface GuestFiles {
  readonly kernel: string;
  readonly initramfs: string;
}

/** Makes them anew; only the download is kept. */
export async function guestFiles(): Promise<GuestFiles> {
  const version = await unpackDebian();
  rmSync(STAGE, { recursive: true, force: true });
  for (const folder of [...MOUNTS, "bin", "usr/bin"]) mkdirSync(join(STAGE, folder), { recursive: true });
  cpSync(join(DEBIAN, "bin/busybox"), join(STAGE, "bin/busybox"));
  cpSync(join(__dirname, "guest/init.sh"), join(STAGE, "init"));
  await stageModules(version);
  await stageNode();
  await stageProgram();
  const initramfs = join(CACHE, "initramfs");
  const busybox = join(DEBIAN, "bin/busybox");
  await run(
    "sh",
    "-c",
    `chmod +x "$1/init" && cd "$1" && find . | "$2" cpio -o -H newc >"$3"`,
    "sh",
    STAGE,
    busybox,
    initramfs,
  );
  return { kernel: join(DEBIAN, `boot/vmlinuz-${version}`), initramfs };
}

/** @returns the kernel's version */
async function unpackDebian(): Promise<string> {
  const about = await run("apt-cache", "depends", "linux-image-amd64");
  const kernelPackage = /Depends: (linux-image-\S+)/.exec(about)?.[1];
  if (kernelPackage === undefined) throw new Error("apt knows no linux-image-amd64: run apt-get update");
  const version = kernelPackage.replace("linux-image-", "");
  if (existsSync(join(DEBIAN, `boot/vmlinuz-${version}`))) return version;
  rmSync(DEBIAN, { recursive: true, force: true });
  mkdirSync(DEBIAN, { recursive: true });
  await run("sh", "-c", `cd "$1" && apt-get download "$2" busybox-static`, "sh", DEBIAN, kernelPackage);
  for (const file of readdirSync(DEBIAN)) await run("dpkg-deb", "-x", join(DEBIAN, file), DEBIAN);
  return version;
}

async function stageModules(version: string): Promise<void> {
  const folder = `lib/modules/${version}`;
  for (const part of MODULES) {
    const path = join(folder, "kernel", part);
    cpSync(join(DEBIAN, path), join(STAGE, path), { recursive: true });
  }
  for (const list of ["modules.order", "modules.builtin"]) {
    cpSync(join(DEBIAN, folder, list), join(STAGE, folder, list));
  }
  await run("depmod", "-b", STAGE, version);
}

/** With the libraries that it and the native module need. */
async function stageNode(): Promise<void> {
  const node = realpathSync(process.execPath);
  cpSync(node, join(STAGE, "usr/bin/node"));
  for (const [, library] of (await run("ldd", node)).matchAll(/(\/\S+) \(0x/g)) {
    cpSync(realpathSync(library!), join(STAGE, library!));
  }
}

/** As it would be installed: compiled, beside the packages that it asks for. */
async function stageProgram(): Promise<void> {
  const program = join(CACHE, "program");
  rmSync(program, { recursive: true, force: true });
  await run(process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", join(__dirname, "guest"));
  cpSync(program, join(STAGE, "package"), { recursive: true });
  writeFileSync(join(STAGE, "package/package.json"), `{ "name": "guest" }`);
  for (const name of LOADED) {
    const modules = INSTALLED.find((folder) => existsSync(join(folder, name)));
    if (modules === undefined) throw new Error(`${name} is not installed: run this with npm run test:kernel`);
    stagePackage(join(modules, name), modules, new Set());
  }
}

/** With all that it depends on, found as node finds it. */
function stagePackage(folder: string, modules: string, staged: Set<string>): void {
  if (staged.has(folder)) return;
  staged.add(folder);
  const filter = (path: string): boolean => !path.slice(folder.length).includes("node_modules");
  cpSync(folder, join(STAGE, "package/node_modules", folder.slice(modules.length)), { recursive: true, filter });
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const name of Object.keys(dependencies).filter((dependency) => !BUILD_TOOLS.includes(dependency))) {
    const places = [];
    for (let place = folder; place !== dirname(modules); place = dirname(place))
      places.push(join(place, "node_modules"));
    const found = [...places, modules].map((place) => join(place, name)).find((path) => existsSync(path));
    if (found !== undefined) stagePackage(found, modules, staged);
  }
}
