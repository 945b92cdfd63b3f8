/**
 * Image state write as Zephyr up to 3.3 decided it (`img_mgmt_state_write` before the rewrite of 3.5): SMP-level codes,
 * and requests that cannot be met succeed without effect. A client has to look at the flags in the answer.
 */
import { ImageRefusal } from "./image-store";
import { markForSwap, type StateTarget } from "./set-state";

const RC = { UNKNOWN: 1, INVALID: 3, BAD_STATE: 6 } as const;

/**
 * @param find the slot that is meant; a refusal says that there is none
 * @throws ImageRefusal with an SMP-level code
 */
export function writeLegacyState(find: () => StateTarget, confirm: boolean): void {
  const target = refusingWith(RC.INVALID, find);
  const { isActive, type } = target;
  if (isActive && !confirm) throw new ImageRefusal(RC.UNKNOWN, true);
  const isPending = type === "test" || type === "permanent";
  if (isActive ? isPending : type === "revert") throw new ImageRefusal(RC.BAD_STATE, true);
  refusingWith(RC.UNKNOWN, () => markForSwap(target, confirm));
}

/** Whatever `work` refuses with becomes this SMP-level code. */
function refusingWith<T>(rc: number, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof ImageRefusal ? new ImageRefusal(rc, true) : thrown;
  }
}
