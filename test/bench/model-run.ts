/** An upload over a modelled link, in virtual time. */
import { after, nowMs } from "../../src/clock";
import { VirtualDevice } from "../../src/device/device";
import { inspectFirmware } from "../../src/image/inspect";
import { openFirmware } from "../../src/image/source";
import { createPool } from "../../src/session/pool";
import { FrameQueue } from "../../src/transport/frame-queue";
import type { Link, Transport } from "../../src/transport/transport";
import { uploadFirmware } from "../../src/update/upload";
import { buildImage } from "../build-image";
import { limitBytesPerSecond, type Model, type Server, type Way } from "./model";
import { inVirtualTime } from "./virtual-time";

const OLD = buildImage({ version: "1.0.0", payloadBytes: 2_000 });

export interface ModelRun {
  readonly bytesPerSecond: number;
  readonly limitBytesPerSecond: number;
  /** Of the limit that was reached, the checks before and after and the erase included. */
  readonly share: number;
  readonly elapsedMs: number;
  readonly retries: number;
}

/** What the device at the end of a link drops for want of a buffer shows as retries. */
export async function runModel(model: Model, server: Server, fileBytes: number): Promise<ModelRun> {
  const file = buildImage({ version: "1.1.0", payloadBytes: fileBytes });
  const slotBytes = Math.ceil(fileBytes / 4096 + 8) * 4096;
  const { bufSize, bufCount, ...pace } = server;
  const options = { name: "model", slot0: OLD, slot1: OLD, slotBytes, bufSize, bufCount, pace };
  const { elapsedMs, retries } = await inVirtualTime(async () => {
    const device = new VirtualDevice(options);
    const pool = createPool(transportTo(device, model));
    const source = await openFirmware(file);
    const info = await inspectFirmware(source);
    const result = await pool.use("model", { name: "bench" }, async (handle) => {
      await handle.session();
      const startMs = nowMs();
      const { retries: repeated } = await uploadFirmware(handle, source, info);
      return { retries: repeated, elapsedMs: nowMs() - startMs };
    });
    await pool.close();
    device.close();
    return result;
  });
  const limit = limitBytesPerSecond(model, server);
  const eraseMs = Math.ceil(file.length / 4096) * server.erasePageMs;
  const limitMs = eraseMs + (file.length * 1000) / limit;
  const bytesPerSecond = (file.length * 1000) / (elapsedMs - eraseMs);
  return { bytesPerSecond, limitBytesPerSecond: limit, share: limitMs / elapsedMs, elapsedMs, retries };
}

function transportTo(device: VirtualDevice, model: Model): Transport<string> {
  return {
    scheme: "model",
    parse: String,
    key: (address) => address,
    open: async () => openLink(device, model),
  };
}

function openLink(device: VirtualDevice, model: Model): Link {
  const { ways: _, ...facts } = model;
  const { toDevice, toClient } = model.ways();
  const frames = new FrameQueue();
  const connection = device.connect({
    frame: (frame) => carry(toClient, frame, (arrived) => frames.push(arrived)),
    lost: () => frames.end(),
  });
  return {
    ...facts,
    label: model.name,
    frames,
    send: async (frame) => carry(toDevice, frame, (arrived) => connection.send(arrived)),
    close: async () => {
      connection.close();
      frames.end();
    },
  };
}

function carry(way: Way, frame: Uint8Array, arrive: (frame: Uint8Array) => void): void {
  const copy = Uint8Array.from(frame);
  const atMs = way.arrivalMs(frame.length, nowMs());
  if (atMs !== undefined) after(atMs - nowMs(), () => arrive(copy));
}
