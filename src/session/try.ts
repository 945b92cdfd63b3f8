import type { Command } from "../smp/command";
import type { ProtocolVersion } from "../smp/header";
import type { CborMap } from "../smp/message";
import type { AnswerTimes } from "./answer-times";

/** One try of one request. */
export interface Try {
  readonly row: Command;
  readonly body: CborMap;
  readonly version: ProtocolVersion;
  /** For sending and answering together; what the medium may take comes on top where the link tells it. */
  readonly timeoutMs: number;
  readonly maxFrameBytes: number;
  /** Which try it is, from 1, of how many. */
  readonly attempt: number;
  readonly attempts: number;
  /** Tries that the caller made before by itself. */
  readonly earlierAttempts: number;
  /** Gets the time until the answer, also when that is late. */
  readonly times: AnswerTimes;
  /** Ends the wait for a turn to be sent. */
  readonly signal?: AbortSignal | undefined;
  /** A later request was answered. Servers work in order, so that the device is done with this one or never got it. */
  readonly onOvertaken?: (() => void) | undefined;
  /** A whole frame from elsewhere, sent in place of `body` as it is but for its sequence number. */
  readonly frame?: Uint8Array | undefined;
}
