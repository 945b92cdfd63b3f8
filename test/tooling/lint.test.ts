/** The linter's rules are part of the design: each is shown a planted fault and must find it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(__dirname, "../..");

interface Finding {
  readonly filename: string;
  readonly code: string;
}

interface Planted {
  readonly file: string;
  readonly source: string;
  readonly rule: string;
}

const imported = (file: string, from: string): Planted => ({
  file,
  source: `import * as it from ${JSON.stringify(from)};\nexport const used = it;\n`,
  rule: "no-restricted-imports",
});
const planted: Record<string, Planted> = {
  "a promise that nobody awaits": {
    file: "src/image/floating.ts",
    source: "async function work(): Promise<void> {}\nexport function go(): void {\n  work();\n}\n",
    rule: "no-floating-promises",
  },
  "an async function where a plain one is expected": {
    file: "src/image/misused.ts",
    source: "export function go(all: string[]): void {\n  all.forEach(async () => {});\n}\n",
    rule: "no-misused-promises",
  },
  "a switch that forgets a case": {
    file: "src/image/switch.ts",
    source:
      'export function go(way: "a" | "b"): number {\n  switch (way) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}\n',
    rule: "switch-exhaustiveness-check",
  },
  "a thrown string": {
    file: "src/image/thrown.ts",
    source: 'export function go(): void {\n  throw "no";\n}\n',
    rule: "only-throw-error",
  },
  "a cycle of imports": {
    file: "src/image/cycle.ts",
    source: 'import { go } from "./cycle-back";\nexport const start = (): void => go();\n',
    rule: "no-cycle",
  },
  "a file of more than 300 lines": {
    file: "src/image/long.ts",
    source: "export const a = [\n" + "  1,\n".repeat(300) + "];\n",
    rule: "max-lines",
  },
  "a function of more than 50 lines": {
    file: "nodes/long.ts",
    source: "export function go(n: number): number {\n" + "  n += 1;\n".repeat(50) + "  return n;\n}\n",
    rule: "max-lines-per-function",
  },
  "a function with more than ten ways": {
    file: "src/image/complex.ts",
    source: `export function go(n: number): number {\n${"  if (n > 1) n -= 1;\n".repeat(11)}  return n;\n}\n`,
    rule: "complexity",
  },
  "a timer outside the clock": {
    file: "nodes/runtime/timer.ts",
    source: "export function go(work: () => void): void {\n  setTimeout(work, 1);\n}\n",
    rule: "no-restricted-globals",
  },
  "timers by import": imported("src/session/timers.ts", "node:timers/promises"),
  "CBOR outside smp/message": imported("src/device/cbor.ts", "cbor-x"),
  "ZIP files outside image/zip": imported("src/image/unzip.ts", "yauzl"),
  "ZIP files in an update": imported("src/update/unzip.ts", "yauzl"),
  "hashes outside image and device": imported("src/update/crypto.ts", "node:crypto"),
  "a socket outside the UDP server": imported("src/device/socket.ts", "node:dgram"),
  "a socket outside the UDP link": imported("src/transport/socket.ts", "node:dgram"),
  "framing that knows smp": imported("src/framing/up.ts", "../smp/header"),
  "smp that knows images": imported("src/smp/groups/up.ts", "../../image/source"),
  "image that knows smp, a neighbour": imported("src/image/up.ts", "../smp/header"),
  "device that reads images as the client does": imported("src/device/image.ts", "../image/mcuboot"),
  "device that knows sessions": imported("src/device/up.ts", "../session/session"),
  "transport that knows sessions": imported("src/transport/up.ts", "../session/session"),
  "session that knows updates": imported("src/session/up.ts", "../update/upload"),
  "session that knows the gateway": imported("src/session/gateway.ts", "../gateway/gateway"),
  "gateway that knows updates, a neighbour": imported("src/gateway/up.ts", "../update/upload"),
  "update that knows the gateway, a neighbour": imported("src/update/gateway.ts", "../gateway/gateway"),
  "a node that goes past the library's door to the gateway": imported("nodes/gateway.ts", "../src/gateway/gateway"),
  "update that knows the index": imported("src/update/up.ts", "../index"),
  "the library that knows Node-RED": imported("src/update/red.ts", "../../nodes/runtime/node"),
  "errors that know the protocol": imported("src/errors.ts", "./smp/header"),
  "a node that goes past the library's door": imported("nodes/deep.ts", "../src/session/pool"),
  "the runtime that goes past the library's door": imported("nodes/runtime/deep.ts", "../../src/session/pool"),
  "a node that imports another": imported("nodes/other.ts", "./long"),
};
const innocent: Record<string, string> = {
  "src/image/cycle-back.ts": 'import { start } from "./cycle";\nexport const go = (): void => start();\n',
  "src/index.ts": 'export { text } from "./image/fine";\n',
  "src/image/fine.ts":
    'import { createHash } from "node:crypto";\nexport const text = createHash("sha256").digest("hex");\n',
  "src/clock.ts": "export function after(work: () => void): void {\n  setTimeout(work, 1);\n}\n",
  "nodes/fine.ts":
    'import { text } from "../src/index";\nimport { go } from "./runtime/go";\nexport const it = [text, go];\n',
  "nodes/runtime/go.ts": 'import { text } from "../../src/index";\nexport const go = text;\n',
};

describe("linter", () => {
  let folder: string;
  let findings: Finding[];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smp-lint-"));
    for (const file of [".oxlintrc.json", "tsconfig.json", "package.json"])
      cpSync(join(root, file), join(folder, file));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const sources = { ...innocent, ...Object.fromEntries(Object.values(planted).map((p) => [p.file, p.source])) };
    for (const [file, source] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), source);
    }
    const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
    const run = spawnSync(process.execPath, [oxlint, "--type-aware", "--format", "json", "src", "nodes"], {
      cwd: folder,
      encoding: "utf8",
    });
    findings = (JSON.parse(run.stdout) as { diagnostics: Finding[] }).diagnostics;
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [name, { file, rule }] of Object.entries(planted)) {
    it(`finds ${name}`, () => {
      const codes = findings.filter(({ filename }) => filename === file).map(({ code }) => code);
      assert.ok(
        codes.some((code) => code.includes(`(${rule})`)),
        `${rule} must fire on ${file}; found ${codes.join(", ") || "nothing"}`,
      );
    });
  }

  it("accepts what keeps to the floors and doors", () => {
    const files = Object.keys(innocent).filter((file) => file !== "src/image/cycle-back.ts");
    assert.deepEqual(
      findings.filter(({ filename }) => files.includes(filename)),
      [],
    );
  });
});
