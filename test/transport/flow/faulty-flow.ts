/** A virtual device behind a flow that loses, doubles, reorders and delays messages, on fake time. */
import FakeTimers, { type Clock } from "@sinonjs/fake-timers";
import { after } from "../../../src/clock";
import { toSmpError, type SmpError } from "../../../src/errors";
import { VirtualDevice } from "../../../src/device/device";
import type { VirtualDeviceOptions } from "../../../src/device/options";
import {
  failureEnvelope,
  frameEnvelope,
  readEnvelope,
  type FailureEnvelope,
  type FrameEnvelope,
} from "../../../src/framing/envelope";
import { createPool } from "../../../src/session/pool";
import type { DeviceHandle, SessionPool } from "../../../src/session/types";
import { flowTransport } from "../../../src/transport/flow";
import { FlowChannel, type OutgoingFrame } from "../../../src/transport/flow/channel";
import type { FlowSettings } from "../../../src/transport/flow/settings";
import { FarDevices } from "../../far-device";
import { randomFrom } from "../../random";

export interface Faults {
  /** Shares of messages, in both directions, 0 to 1. */
  readonly lost?: number;
  readonly doubled?: number;
  /** Each message takes a random time between these, so that they overtake each other. */
  readonly delayMs?: readonly [least: number, most: number];
  /** Longer requests arrive cut, so that the device waits for the rest of them in vain; nobody says so. */
  readonly cutAtBytes?: number;
}

const NAME = "sensor-1";

export class FaultyFlow {
  readonly device: VirtualDevice;
  faults: Faults;
  /** Messages, counted from 1, that the far end answers with "device offline". */
  offline: { readonly from: number; readonly to: number; readonly retryable?: boolean } | undefined;
  /** What the channel would not take. */
  readonly refused: SmpError[] = [];
  /** Messages that left the steering side, and their bytes as JSON. */
  messages = 0;
  bytes = 0;
  largestMessage = 0;
  /** Frames that were too long. */
  cut = 0;
  /** Lengths of those that were not. */
  readonly played: number[] = [];
  readonly #settings: Partial<FlowSettings>;
  readonly #far: FarDevices;
  readonly #random: () => number;
  #channel: FlowChannel;
  #pool: SessionPool;
  #activity = 0;

  constructor(
    options: Omit<VirtualDeviceOptions, "name">,
    faults: Faults,
    seed: number,
    settings: Partial<FlowSettings> = {},
  ) {
    this.faults = faults;
    this.#settings = settings;
    this.#random = randomFrom(seed);
    this.device = new VirtualDevice({ ...options, name: NAME });
    this.#far = new FarDevices(new Map([[NAME, this.device]]), (device, id, frame) =>
      this.#back(frameEnvelope(device, id, frame)),
    );
    this.#channel = this.#newChannel();
    this.#pool = createPool(flowTransport(this.#channel));
  }

  get channel(): FlowChannel {
    return this.#channel;
  }

  /** The steering side begins anew; what is under way arrives all the same. */
  restart(): void {
    void this.#pool.close();
    this.#channel = this.#newChannel();
    this.#pool = createPool(flowTransport(this.#channel));
  }

  /** Runs an operation to its end, letting time pass whenever nothing else can happen. */
  async run<T>(work: (device: DeviceHandle) => Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    const result = this.#pool.use(NAME, { name: "test" }, work);
    result.then(over, over);
    while (!isOver) {
      const before = this.#activity;
      for (let turn = 0; turn < 25 && !isOver; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (!isOver && this.#activity === before) await clock!.nextAsync();
    }
    return await result;
  }

  async close(): Promise<void> {
    this.device.close();
    await this.#pool.close();
  }

  #newChannel(): FlowChannel {
    const channel = new FlowChannel(this.#settings);
    channel.addInlet();
    channel.addOutlet({ form: "envelope", emit: (outgoing) => this.#out(outgoing) });
    return channel;
  }

  #out({ device, id, frame }: OutgoingFrame): void {
    const bytes = Buffer.byteLength(JSON.stringify(frameEnvelope(device, id, frame)));
    this.messages++;
    this.bytes += bytes;
    this.largestMessage = Math.max(this.largestMessage, bytes);
    const { from, to, retryable = true } = this.offline ?? { from: Infinity, to: 0 };
    if (this.messages >= from && this.messages < to) {
      return this.#back(failureEnvelope(device, id, { code: "", message: "device offline", retryable }));
    }
    this.#carry(() => {
      if (frame.length > (this.faults.cutAtBytes ?? Infinity)) return void this.cut++;
      this.played.push(frame.length);
      this.#far.play(device, id, frame);
    });
  }

  #back(envelope: FrameEnvelope | FailureEnvelope): void {
    this.#carry(() => {
      try {
        this.#channel.take(readEnvelope(JSON.parse(JSON.stringify(envelope))));
      } catch (refusal) {
        this.refused.push(toSmpError(refusal));
      }
    });
  }

  #carry(arrive: () => void): void {
    const { lost = 0, doubled = 0, delayMs: [least, most] = [0, 0] } = this.faults;
    const copies = this.#random() < lost ? 0 : this.#random() < doubled ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      after(least + this.#random() * (most - least), () => {
        this.#activity++;
        arrive();
      });
    }
  }
}

let clock: (Clock & { uninstall(): void }) | undefined;

/** Gives each test of a suite its flows, and closes them. */
export function useFaultyFlow(): (...args: ConstructorParameters<typeof FaultyFlow>) => FaultyFlow {
  const flows: FaultyFlow[] = [];
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(async () => {
    await Promise.all(flows.splice(0).map((flow) => flow.close()));
    clock?.uninstall();
  });
  return (...args) => {
    const flow = new FaultyFlow(...args);
    flows.push(flow);
    return flow;
  };
}
