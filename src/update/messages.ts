/** What the nodes' messages carry, for flows and functions in TypeScript. Plain data: safe to clone, delay and join. */
import type { SmpErrorReport } from "../errors";
import type { Firmware, ImageState, ResetResult, UploadPhase, UploadResult, Verdict } from "./types";
import type { ResetProgress } from "./reset-device";

/** `msg.smp`: added by the connect node, enriched by the others. */
export interface SmpContext {
  /** Id of the pool node. */
  pool: string;
  /** The device, as its pool knows it. */
  device: string;
  /** Kind of link: "virtual", "serial", "udp". */
  link?: string;
  /** The image state that was read last. */
  images?: ImageState;
  firmware?: Firmware;
  verdict?: Verdict;
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
  /** "abort" stops what runs; at the connect node "disconnect" closes the device's session. */
  action?: "abort" | "disconnect";
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

/** A message on a progress output: fresh and small. */
export interface SmpProgressMessage {
  topic?: string;
  /** Whole percent, never less than before. */
  payload: number;
  smp: {
    pool: string;
    device: string;
    phase: UploadPhase | ResetProgress["phase"] | "failed" | "aborted";
    /** Bytes that the device has acknowledged, of `len`. */
    off?: number;
    len?: number;
    bytesPerSecond?: number;
    etaMs?: number | undefined;
    retries?: number;
    /** Of a reset: since it began. */
    elapsedMs?: number;
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
