/** A pool of one virtual device whose frames are traced. */
import { VirtualDevice } from "../../src/device/device";
import type { VirtualDeviceOptions } from "../../src/device/options";
import { openFirmware } from "../../src/image/source";
import { inspectFirmware } from "../../src/image/inspect";
import { createPool, type PoolOptions } from "../../src/session/pool";
import type { SessionPool } from "../../src/session/types";
import type { FrameRecord, TraceRecord, TraceSink } from "../../src/trace/record";
import { virtualTransport } from "../../src/transport/virtual";
import { confirmImage } from "../../src/update/confirm-image";
import { describeFirmware } from "../../src/update/firmware";
import { resetDevice } from "../../src/update/reset-device";
import { readImageState } from "../../src/update/recovery";
import { testImage } from "../../src/update/test-image";
import { uploadFirmware } from "../../src/update/upload";
import { imageBytes, imagePath } from "../images";

const OLD_IMAGE = imageBytes("hash-only-1.0.0.bin");

export function makeDevice(options: Partial<VirtualDeviceOptions> = {}): VirtualDevice {
  return new VirtualDevice({ name: "sensor-1", slot0: OLD_IMAGE, pace: "instant", ...options });
}

export function poolOf(device: VirtualDevice, options: PoolOptions = {}): SessionPool {
  return createPool(virtualTransport({ find: () => device, names: () => [device.name] }), options);
}

/** Keeps all records. */
export class Kept implements TraceSink {
  readonly frames: TraceSink["frames"];
  readonly records: TraceRecord[] = [];

  constructor(frames: TraceSink["frames"] = "described") {
    this.frames = frames;
  }

  take(record: TraceRecord): void {
    this.records.push(record);
  }

  get traced(): FrameRecord[] {
    return this.records.filter((record) => record.kind === "frame");
  }

  of(command: string, dir: "out" | "in"): FrameRecord[] {
    return this.traced.filter((record) => record.command === command && record.dir === dir);
  }
}

/** Upload, test, reset and confirm. */
export async function wholeUpdate(pool: SessionPool, firmware: string | Uint8Array): Promise<void> {
  const source = await openFirmware(firmware);
  try {
    const info = await inspectFirmware(source);
    const wanted = describeFirmware(info, 0);
    await pool.use("sensor-1", { name: "update" }, async (handle) => {
      await readImageState(await handle.session());
      await uploadFirmware(handle, source, info);
      await testImage(handle, wanted);
      await resetDevice(handle, { wanted });
      await confirmImage(handle, wanted);
    });
  } finally {
    await source.close();
  }
}

/** Runs a whole update of a new device and gives its trace. */
export async function tracedUpdate(sink: Kept, options: Partial<VirtualDeviceOptions> = {}): Promise<Kept> {
  const device = makeDevice(options);
  const pool = poolOf(device);
  pool.trace(sink);
  try {
    await wholeUpdate(pool, imagePath("hash-only-1.2.3+4.bin"));
  } finally {
    await pool.close();
    device.close();
  }
  return sink;
}
