/** What the nodes' messages carry, for flows and functions in TypeScript. Plain data: safe to clone, delay and join. */
import type { FrameEnvelope } from "../framing/envelope";
import type { SmpErrorReport } from "../errors";
import type { TraceRecord } from "../trace/record";
import type { Firmware, ImageState, ResetResult, Unfinished, UpdateVerdict, UploadResult } from "./types";
import type { FleetCounts } from "./fleet-types";
import type { UpdatePhase } from "./run-types";

/** `msg.smp`: added by the connect node, enriched by the others. */
export interface SmpContext {
  /** Id of the pool node. */
  pool: string;
  /** The device, as its pool knows it. */
  device: string;
  /** Kind of link: "virtual", "ble", "serial", "udp", "flow". */
  link?: string;
  /** The image state that was read last. */
  images?: ImageState;
  firmware?: Firmware;
  /**
   * From connect and image state: an update of this device that was begun and not ended, also before a restart of Node-RED. Of several
   * images the one worked on last. Image state has checked it against the device; connect tells what is recorded.
   */
  unfinished?: Unfinished;
  verdict?: UpdateVerdict;
  /** Of an update's gate: "asked" in the question, true or false in the answer. */
  gate?: "asked" | boolean;
  /** Of the gate's question; an answer that bears it is for that question alone. */
  gateId?: string;
  reset?: Pick<ResetResult, "absentMs" | "because">;
  /** What the request node has sent last. */
  request?: { command: string; op: "read" | "write"; group: number; id: number };
  error?: SmpErrorReport;
}

/** A message of the SMP nodes: whatever it was before, with `smp`, and `payload` as the main result. */
export interface SmpMessage {
  topic?: string;
  payload?: unknown;
  /** The wanted firmware: a path, a Buffer or a stream. */
  firmware?: unknown;
  /** "abort" stops what runs; at the connect node "disconnect" closes the device's session; the others are for the update node. */
  action?: "abort" | "disconnect" | "pause" | "resume" | "plan";
  smp: SmpContext;
  [property: string]: unknown;
}

/** A message on an error output, in the shape that Catch nodes give. */
export interface SmpErrorMessage extends SmpMessage {
  error: {
    message: string;
    code: string;
    cause?: unknown;
    source: { id: string; type: string; name: string; count: number };
  };
}

/** How far a device is. */
export interface SmpDeviceProgress {
  phase: UpdatePhase | "updating" | "failed" | "aborted";
  /** Bytes that the device has acknowledged, of `len`. */
  off?: number;
  len?: number;
  bytesPerSecond?: number;
  etaMs?: number | undefined;
  retries?: number;
  /** Since the reset or the update began. */
  elapsedMs?: number;
  /** Of an update: the old firmware does not come back by itself any more. */
  noReturn?: boolean;
}

/** A message on a progress output: fresh and small. */
export interface SmpProgressMessage {
  topic?: string;
  /** Whole percent, never less than before. */
  payload: number;
  smp: SmpDeviceProgress & {
    pool: string;
    /** Absent when it is about several. */
    device?: string;
    /** Of the update of several devices. */
    devices?: FleetCounts;
    /** Those that are worked on. */
    running?: readonly (SmpDeviceProgress & { device: string; percent: number })[];
  };
}

/** What smp-frames-out gives: one SMP frame on its way to a device. */
export interface SmpFrameMessage {
  /** The device. */
  topic: string;
  /** In the form that the node is set to. */
  payload: Buffer | string | FrameEnvelope;
  smp: {
    pool: string;
    device: string;
    /** Names the message; the answer bears the same where the way can keep it. */
    id: string;
    /** SMP sequence number, 0 to 255. */
    seq: number;
    /** Which try of the same request it is, from 1. */
    try: number;
    /** What the frame asks for, e.g. "image.upload". */
    command: string;
    /** Of the frame. */
    bytes: number;
    /** After this time nobody waits for the answer any more, and the message must not take effect. */
    timeoutMs: number;
  };
  /**
   * The same in seconds, for the node mqtt out: with MQTT 5 the broker drops what it could not deliver by then. So a request to
   * confirm that was held back cannot confirm an image that the device has reverted meanwhile.
   */
  messageExpiryInterval: number;
}

/** What smp-trace gives: one frame, or what happened besides. */
export interface SmpTraceMessage {
  /** The device. */
  topic: string;
  payload: TraceRecord;
  smp: {
    pool: string;
    device: string;
    /** Kind of link. */
    link: string;
    /** Records that were dropped since the message before. */
    missed?: number;
  };
}

/** `payload` of the connect node. */
export interface ConnectPayload {
  device: string;
  /** Kind of link, or "closed" after a disconnect. */
  link: string;
  /** Largest SMP frame that link and device take. */
  maxFrameBytes?: number;
  /** The device's buffers, absent when it does not tell. */
  bufSize?: number;
  bufCount?: number;
  /** What the link negotiated; over Bluetooth LE address, name, driver, mtu, fragmentBytes, intervalMs, supervisionTimeoutMs. */
  negotiated?: object;
}

/** `payload` of the image state, test, reset and confirm nodes. */
export type ImageStatePayload = ImageState;

/** `payload` of the upload node; images and firmware are in `msg.smp`. */
export type UploadPayload = Omit<UploadResult, "images" | "firmware">;
