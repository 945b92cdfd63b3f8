/** A virtual device behind a real pool, on fake time, over a link that a test can break. */
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { SmpError } from "../../src/errors";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import type { DeviceHandle, SessionPool } from "../../src/session/types";
import { findCommand } from "../../src/smp/commands";
import { decodeMessage, type CborMap } from "../../src/smp/message";
import type { Link, Transport } from "../../src/transport/transport";
import { FrameQueue } from "../../src/transport/frame-queue";
import { virtualTransport } from "../../src/transport/virtual";
import { runUpdate } from "../../src/update/run-update";
import type { UpdateOptions, UpdateResult } from "../../src/update/run-types";
import type { UploadResult } from "../../src/update/types";
import { buildImage } from "../build-image";
import { imageBytes } from "../images";
import { uploadFirmware, type UploadOptions } from "../../src/update/upload";

export const A = imageBytes("hash-only-1.0.0.bin");
export const B = imageBytes("hash-only-1.2.3+4.bin");
export const C = imageBytes("hash-only-2.0.0+77.bin");

/** A small file, and a device on which it takes a dozen requests. */
export const SMALL_FILE = buildImage({ version: "1.1.0", payloadBytes: 2_000 });
export const SMALL: BenchOptions = {
  slot0: buildImage({ version: "1.0.0", payloadBytes: 2_000 }),
  slotBytes: 32 * 1024,
  bufSize: 320,
  bufCount: 4,
};

export interface Sent {
  readonly command: string;
  readonly body: CborMap;
  readonly frameBytes: number;
}

/** Says what becomes of a frame to the device, counted from 1: undefined lets it pass, "cut" breaks the link, "reboot" keeps it back while the device reboots. */
export type LinkFault = (sent: Sent, count: number) => "cut" | "cut-after" | "reboot" | undefined;

export interface BenchOptions extends Omit<VirtualDeviceOptions, "name"> {
  /** Largest frame of the link. */
  readonly linkBytes?: number;
}

const NAME = "sensor-1";

export class Bench {
  device: VirtualDevice;
  /** All requests that were handed to the link, in order. */
  readonly sent: Sent[] = [];
  linkFault: LinkFault = () => undefined;
  /** The link stays silent when the device goes away, as UDP does. */
  hideLoss = false;
  /** Most upload requests that were ever under way at once. */
  mostUnanswered = 0;
  #unanswered = 0;
  readonly pool: SessionPool;
  readonly #options: BenchOptions;
  #activity = 0;

  constructor(options: BenchOptions = {}) {
    this.#options = options;
    this.device = new VirtualDevice({ slot0: A, slotBytes: 128 * 1024, ...options, name: NAME });
    const devices = { find: (name: string) => (name === NAME ? this.device : undefined), names: () => [NAME] };
    this.pool = createPool(this.#breakable(virtualTransport(devices)));
  }

  async close(): Promise<void> {
    this.device.close();
    await this.pool.close();
  }

  /** From now on it is this one that has the address; the one before is gone. */
  replaceDevice(other: VirtualDevice): void {
    this.device.close();
    this.device = other;
  }

  /** Updates the device to its end. */
  async update(options: UpdateOptions): Promise<UpdateResult> {
    return await this.toEnd(runUpdate(this.pool, NAME, options));
  }

  /** Runs an operation to its end, letting time pass whenever nothing else can happen. */
  async run<T>(work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    return await this.toEnd(this.pool.use(NAME, { name: "test" }, work));
  }

  async upload(file: Uint8Array, options: UploadOptions = {}): Promise<UploadResult> {
    const source = await openFirmware(file);
    const info = await inspectFirmware(source);
    return await this.run((device) => uploadFirmware(device, source, info, options));
  }

  /** Until the device runs again after a reboot. */
  async started(): Promise<void> {
    await this.toEnd(
      (async () => {
        while (this.device.state !== "application") await new Promise((resolve) => setImmediate(resolve));
      })(),
    );
  }

  /** The requests of one command. */
  requests(command: string): CborMap[] {
    return this.sent.filter((each) => each.command === command).map((each) => each.body);
  }

  /** Requests at offset 0; each may erase the slot. */
  get firstChunks(): number {
    return this.requests("image.upload").filter((body) => body["off"] === 0).length;
  }

  /** Image bytes in the last request at offset 0. */
  get firstChunkBytes(): number {
    const data = this.requests("image.upload").findLast((body) => body["off"] === 0)?.["data"];
    return data instanceof Uint8Array ? data.length : 0;
  }

  slotBytes(slot: number, length: number): Buffer {
    return Buffer.from(this.device.store.slot(0, slot).read(0, length));
  }

  /** Whether a slot holds exactly this file. */
  assertSlot(slot: number, file: Uint8Array): void {
    assert.equal(sha256(this.slotBytes(slot, file.length)), sha256(file), `slot ${slot} differs from the file`);
  }

  async toEnd<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    while (!isOver) {
      const before = this.#activity;
      for (let turn = 0; turn < 25 && !isOver; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (!isOver && this.#activity === before) await clock!.nextAsync();
    }
    return await work;
  }

  #breakable(transport: Transport<string>): Transport<string> {
    return {
      ...transport,
      open: async (name, signal) => {
        this.#activity++;
        const open = () => transport.open(name, signal);
        return this.#breakableLink(this.hideLoss ? datagrams(await open(), open) : await open());
      },
    };
  }

  async #rebooted(): Promise<void> {
    this.device.reboot();
    while (this.device.state !== "application") await new Promise((resolve) => setImmediate(resolve));
  }

  #breakableLink(link: Link): Link {
    const cut = async (): Promise<never> => {
      await link.close();
      throw new SmpError("SMP_LINK_LOST", "the link was cut");
    };
    return {
      label: link.label,
      maxFrameBytes: this.#options.linkBytes ?? link.maxFrameBytes,
      maxInFlight: link.maxInFlight,
      frames: this.#counted(link.frames),
      close: () => link.close(),
      send: async (frame, signal) => {
        this.#activity++;
        const { op, group, id, body } = decodeMessage(frame);
        const command = findCommand(op === 0 ? "read" : "write", group, id)?.name ?? "unknown";
        const sent = { command, body, frameBytes: frame.length };
        this.sent.push(sent);
        this.#unanswered = command === "image.upload" ? this.#unanswered + 1 : 0;
        this.mostUnanswered = Math.max(this.mostUnanswered, this.#unanswered);
        const fault = this.linkFault(sent, this.sent.length);
        if (fault === "cut") await cut();
        if (fault === "reboot") await this.#rebooted();
        await link.send(frame, signal);
        if (fault === "cut-after") {
          await new Promise((resolve) => setImmediate(resolve));
          await cut();
        }
      },
    };
  }

  async *#counted(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const frame of frames) {
      this.#activity++;
      this.#unanswered = Math.max(0, this.#unanswered - 1);
      yield frame;
    }
  }
}

/** A link that is always open, as a UDP socket is: while the device is away, frames vanish. */
function datagrams(first: Link, open: () => Promise<Link>): Link {
  const frames = new FrameQueue();
  let current: Link | undefined;
  const use = (link: Link): Link => {
    current = link;
    const pump = async (): Promise<void> => {
      for await (const frame of link.frames) frames.push(frame);
    };
    void pump().catch(() => (current = undefined));
    return link;
  };
  use(first);
  return {
    label: first.label,
    maxFrameBytes: first.maxFrameBytes,
    maxInFlight: first.maxInFlight,
    frames,
    send: async (frame, signal) => {
      try {
        await (current ?? use(await open())).send(frame, signal);
      } catch {
        current = undefined;
      }
    },
    close: async () => {
      frames.end();
      await current?.close();
    },
  };
}

let clock: (Clock & { uninstall(): void }) | undefined;

/** Gives each test of a suite its benches, and closes them. */
export function useBench(): (options?: BenchOptions) => Bench {
  const benches: Bench[] = [];
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(async () => {
    await Promise.all(benches.splice(0).map((bench) => bench.close()));
    clock?.uninstall();
  });
  return (options) => {
    const bench = new Bench(options);
    benches.push(bench);
    return bench;
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
