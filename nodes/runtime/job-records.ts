/**
 * Which updates were begun and have no verdict yet, in one small file of Node-RED's user directory, so that a restart does not
 * forget them. It holds no firmware; the device's own state is what counts, and a record that it contradicts is dropped.
 */
import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, phaseByState, UNFINISHED_PHASES } from "../../src/index";
import type { Firmware, ImageState, Unfinished } from "../../src/index";
import { recordOf, type NodeAPI } from "./red";

/** More devices than that are not in the midst of an update; the oldest records go first. */
const MAX_RECORDS = 1000;
const FORMAT = 1;

interface Entry extends Unfinished {
  readonly pool: string;
  readonly device: string;
}

type Warn = (text: string) => void;

/** The records of one pool; devices by their key. */
export interface PoolJobs {
  find(device: string): Unfinished | undefined;
  /** Bytes of the firmware are sent from now on. */
  began(device: string, firmware: Firmware): void;
  /**
   * The device has shown its state.
   * @param firmware what was sent or marked last; when absent the record alone is checked
   * @returns what is left of the record
   */
  seen(device: string, images: ImageState, firmware?: Firmware): Unfinished | undefined;
  /** The verdict is final. */
  ended(device: string): void;
  /** Once all is on the disk, or cannot be brought there. */
  written(): Promise<void>;
}

/** By path: all pools of a Node-RED share one. */
const files = new Map<string, RecordFile>();

/** @param warn told once per file what is wrong with it; records are kept in memory then */
export function poolJobs(RED: NodeAPI, pool: string, warn: Warn): PoolJobs {
  let file: RecordFile | undefined;
  const records = (): RecordFile => (file ??= openFile(RED, warn));
  return {
    find: (device) => unfinishedOf(records().find(pool, device)),
    began: (device, firmware) => records().put(newEntry(pool, device, "uploading", firmware)),
    seen: (device, images, firmware) => {
      const before = records().find(pool, device);
      const isNew = firmware !== undefined && !isAbout(before, firmware);
      const entry = isNew ? newEntry(pool, device, "uploaded", firmware) : before;
      const phase = entry && phaseByState(entry.phase, entry.firmware, images);
      if (phase && (isNew || phase !== entry.phase)) records().put({ ...entry, phase, at: now() });
      else if (!phase && !isNew && before) records().drop(before);
      return unfinishedOf(records().find(pool, device));
    },
    ended: (device) => {
      const before = records().find(pool, device);
      if (before) records().drop(before);
    },
    written: async () => file?.written(),
  };
}

/** Without a user directory there is nothing to outlive a restart. */
function openFile(RED: NodeAPI, warn: Warn): RecordFile {
  const { userDir } = RED.settings as { userDir?: unknown };
  if (typeof userDir !== "string" || userDir === "") return new RecordFile(undefined, warn);
  const path = join(userDir, "smp-dfu", "jobs.json");
  const file = files.get(path) ?? new RecordFile(path, warn);
  files.set(path, file);
  return file;
}

class RecordFile {
  readonly #path: string | undefined;
  readonly #warn: Warn;
  readonly #entries = new Map<string, Entry>();
  #writing: Promise<void> | undefined;
  #isDirty = false;
  #hasWarned = false;

  constructor(path: string | undefined, warn: Warn) {
    this.#path = path;
    this.#warn = warn;
    if (path !== undefined) this.#read(path);
  }

  find(pool: string, device: string): Entry | undefined {
    return this.#entries.get(keyOf({ pool, device }));
  }

  put(entry: Entry): void {
    const key = keyOf(entry);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > MAX_RECORDS) this.#entries.delete(oldest);
    this.#changed();
  }

  drop(entry: Entry): void {
    this.#entries.delete(keyOf(entry));
    this.#changed();
  }

  async written(): Promise<void> {
    await this.#writing;
  }

  #read(path: string): void {
    try {
      const { format, jobs } = recordOf(JSON.parse(readFileSync(path, "utf8")));
      if (format !== FORMAT || !Array.isArray(jobs)) throw new Error("it is not what this version writes");
      for (const entry of jobs.filter(isEntry).slice(-MAX_RECORDS)) this.#entries.set(keyOf(entry), entry);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return;
      this.#warnOnce(`unfinished updates of before cannot be read from ${path}: ${messageOf(thrown)}`);
    }
  }

  /** What changes while it is written goes into the next file. */
  #changed(): void {
    this.#isDirty = true;
    if (this.#path !== undefined) this.#writing ??= this.#write(this.#path);
  }

  async #write(path: string): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const text = JSON.stringify({ format: FORMAT, jobs: [...this.#entries.values()] }, null, 1);
      try {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(`${path}.tmp`, text, { mode: 0o600, flush: true });
        await rename(`${path}.tmp`, path);
      } catch (thrown) {
        this.#warnOnce(`unfinished updates cannot be kept in ${path}: ${messageOf(thrown)}`);
      }
    }
    this.#writing = undefined;
  }

  #warnOnce(text: string): void {
    if (!this.#hasWarned) this.#warn(text);
    this.#hasWarned = true;
  }
}

function keyOf({ pool, device }: Pick<Entry, "pool" | "device">): string {
  return JSON.stringify([pool, device]);
}

function isAbout(entry: Entry | undefined, { hash, image, fileSha256 }: Firmware): boolean {
  const known = entry?.firmware;
  return known?.hash === hash && known.image === image && known.fileSha256 === fileSha256;
}

/** Without the label, which may be a path. */
function newEntry(pool: string, device: string, phase: Entry["phase"], described: Firmware): Entry {
  const { label: _, ...firmware } = described;
  return { pool, device, phase, firmware, at: now() };
}

function now(): string {
  return new Date().toISOString();
}

/** Plain data of its own, for a message. */
function unfinishedOf(entry: Entry | undefined): Unfinished | undefined {
  return entry && { phase: entry.phase, firmware: { ...entry.firmware }, at: entry.at };
}

function isEntry(value: unknown): value is Entry {
  const { pool, device, phase, firmware, at } = recordOf(value);
  const { version, hash, fileSha256, sizeBytes, image, installedHash = "" } = recordOf(firmware);
  const texts = [pool, device, at, version, hash, fileSha256, installedHash];
  const numbers = [sizeBytes, image];
  return (
    UNFINISHED_PHASES.some((each) => each === phase) &&
    texts.every((text) => typeof text === "string") &&
    numbers.every((number) => typeof number === "number")
  );
}
