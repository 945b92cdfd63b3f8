/** What the user wants of an update. */
import { SmpError } from "../errors";

/**
 * How far an update goes. "test-and-confirm": the image is tried, and confirmed when the trial runs. "test": it is left on
 * trial. "confirm": it is made permanent before the reset, with no trial. "upload": it only lies in its slot afterwards.
 */
export const UPDATE_GOALS = ["test-and-confirm", "test", "confirm", "upload"] as const;
export type UpdateGoal = (typeof UPDATE_GOALS)[number];

/** "newer" refuses the running version and older ones, "not-older" only older ones. The very image that runs is always left alone. */
export const VERSION_POLICIES = ["any", "not-older", "newer"] as const;
export type VersionPolicy = (typeof VERSION_POLICIES)[number];

/** What becomes of another image that runs on trial: nothing, it is confirmed, it is reverted, or it is given time to confirm itself. */
export const TRIAL_POLICIES = ["refuse", "confirm", "revert", "wait"] as const;
export type TrialPolicy = (typeof TRIAL_POLICIES)[number];

/** What an update is to reach, and what it may do for that. */
export interface UpdatePolicy {
  /** Default "test-and-confirm". */
  readonly goal?: UpdateGoal | undefined;
  /** Default "any". */
  readonly versions?: VersionPolicy | undefined;
  /** Default "refuse". */
  readonly onTrial?: TrialPolicy | undefined;
  /** Somebody decides about the trial before it is confirmed. Default false. */
  readonly gate?: boolean | undefined;
  /** Update where an upload overwrites the firmware at once: in MCUboot's serial recovery, or with one slot. Default false. */
  readonly allowRecovery?: boolean | undefined;
  /** SHA-256 that the file, or its package, must have, in hex. */
  readonly fileSha256?: string | undefined;
  /** Security counter of the devices, where it is known from elsewhere. */
  readonly securityCounter?: number | undefined;
}

export interface CompletePolicy {
  readonly goal: UpdateGoal;
  readonly versions: VersionPolicy;
  readonly onTrial: TrialPolicy;
  readonly gate: boolean;
  readonly allowRecovery: boolean;
  readonly fileSha256: string | undefined;
  readonly securityCounter: number | undefined;
}

/** @throws SMP_BAD_INPUT when goal and gate contradict each other */
export function completePolicy(policy: UpdatePolicy): CompletePolicy {
  const { goal = "test-and-confirm", versions = "any", onTrial = "refuse", gate = false } = policy;
  if (gate && goal !== "test-and-confirm") {
    throw new SmpError("SMP_BAD_INPUT", `a gate lies between trial and confirm: the policy "${goal}" has none`, {
      field: "gate",
      hint: 'Turn the gate off, or choose the policy "test-and-confirm".',
    });
  }
  const { allowRecovery = false, fileSha256, securityCounter } = policy;
  return { goal, versions, onTrial, gate, allowRecovery, fileSha256, securityCounter };
}
