import type { Shape } from "./shape";

/** One row of the protocol's table; client, virtual device and tests read the same row. */
export interface Command<Req extends Shape = Shape, Res extends Shape = Shape> {
  /** For logs and errors, e.g. "image.upload". */
  readonly name: string;
  readonly op: "read" | "write";
  /** Zephyr group id. */
  readonly group: number;
  /** Command id in the group. */
  readonly id: number;
  readonly request: Req;
  readonly response: Res;
  /** Sending it twice does no harm, so a session may retry it. */
  readonly repeatable: boolean;
  /** Deadline for sending and answering together, in milliseconds. */
  readonly timeoutMs: number;
  /** The answer is given whole, as the device sent it; `response` says nothing of it. */
  readonly whole?: boolean;
}

/** Keeps the row's exact types. */
export function command<Req extends Shape, Res extends Shape>(row: Command<Req, Res>): Command<Req, Res> {
  return row;
}

/** Ids of Zephyr's groups (`enum mcumgr_group_t`); those from 64 on belong to applications. */
export const GROUP = {
  OS: 0,
  IMAGE: 1,
  STAT: 2,
  SETTINGS: 3,
  FS: 8,
  SHELL: 9,
  ENUMERATION: 10,
  BASIC: 63,
} as const;

/**
 * Deadlines by what the device does meanwhile, in milliseconds (practice of Nordic's clients and smpclient).
 */
export const TIMEOUT_MS = {
  /** Answered from memory, and asked of a device of which nobody knows whether it is there. */
  FIRST_QUESTION: 1_000,
  /** Answered from memory. */
  QUICK: 2_500,
  /** Reads or writes a little flash. */
  FLASH: 5_000,
  /** The first chunk may erase a whole slot before it is answered. */
  FIRST_CHUNK: 40_000,
  /** The last chunk flushes and may hash the whole image. */
  LAST_CHUNK: 20_000,
  /** Erases a whole slot, perhaps in slow external flash. */
  ERASE: 60_000,
} as const;
