import { messageOf } from "../errors";

/** Calls a listener whose faults must not disturb the work that it listens to; they become a warning of the process. */
export function tell<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value);
  } catch (fault) {
    process.emitWarning(`a listener of the session pool failed: ${messageOf(fault)}`, { type: "SmpListenerWarning" });
  }
}
