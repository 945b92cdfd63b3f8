/** `npm run bench [-- SECTION…]`: prints tables, and writes them to .cache/bench.json beside what was measured before. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { dirname, join } from "node:path";
import { SECTIONS, type Row } from "./sections";

const FILE = join(process.cwd(), ".cache/bench.json");

interface Report {
  measured: string;
  node: string;
  cpu: string;
  load: number;
  rows: Row[];
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !(name in SECTIONS));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown.join(", ")}; there are ${Object.keys(SECTIONS).join(", ")}`);
  const reports = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Report>) : {};
  for (const name of names.length > 0 ? names : Object.keys(SECTIONS)) {
    reports[name] = await measure(SECTIONS[name]!);
    mkdirSync(dirname(FILE), { recursive: true });
    writeFileSync(FILE, `${JSON.stringify(reports, undefined, 2)}\n`);
  }
  console.log(`\nwritten to ${FILE}`);
}

async function measure({ title, run }: (typeof SECTIONS)[string]): Promise<Report> {
  const { model, speed } = cpus()[0]!;
  const load = loadavg()[0]!;
  console.log(`\n${title} (Node.js ${process.version}, ${cpus().length} × ${model}, load ${load.toFixed(1)})`);
  const rows: Row[] = [];
  await run((row) => {
    if (rows.length === 0) console.log(Object.keys(row).map(column).join(" "));
    rows.push(row);
    console.log(
      Object.entries(row)
        .map(([key, value]) => column(String(value), key))
        .join(" "),
    );
  });
  return { measured: new Date().toISOString(), node: process.version, cpu: `${model} ${speed} MHz`, load, rows };
}

const WIDE: Readonly<Record<string, number>> = { link: 34, device: 15 };

function column(text: string, key: string | number): string {
  const name = typeof key === "number" ? text : key;
  return WIDE[name] ? text.padEnd(WIDE[name]) : text.padStart(Math.max(8, name.length));
}

void main(process.argv.slice(2));
