/** What an update of many devices is given, tells on its way, and comes to. */
import type { SmpErrorReport } from "../errors";
import type { UpdatePlan } from "./plan-types";
import type { DeviceProgress, UpdateOptions, UpdateResult } from "./run-types";
import type { UpdateVerdict } from "./types";

/** As for one device, and how many of them when. */
export interface FleetOptions extends Omit<UpdateOptions, "brake" | "onProgress"> {
  /** Devices side by side, default 8. */
  readonly limit?: number | undefined;
  /** The first so many go before the rest, which begins only when enough of them are well. Default 0: none. */
  readonly canary?: number | undefined;
  /**
   * No further device is begun once so many have failed; one is enough among the canaries when absent, and no number of
   * them after. A device that has no need, or refuses an older firmware, has not failed.
   */
  readonly maxFailures?: number | undefined;
  /** Called as each device ends, in the order of their ends. */
  readonly onResult?: ((result: UpdateResult) => void) | undefined;
  /** Called when `Fleet.progress` has changed, which is often. */
  readonly onProgress?: (() => void) | undefined;
}

/** How many devices stand where. */
export interface FleetCounts {
  readonly total: number;
  /** Ended, well or not. */
  readonly done: number;
  readonly ok: number;
  readonly failed: number;
  readonly running: number;
  readonly waiting: number;
}

/** Where an update of many devices stands. */
export interface FleetProgress {
  /** Of the whole, never less than before. */
  readonly percent: number;
  readonly devices: FleetCounts;
  /** The devices that are worked on. */
  readonly running: readonly DeviceProgress[];
  readonly paused: boolean;
  readonly elapsedMs: number;
  /** Absent while unknown. */
  readonly etaMs?: number;
}

/** How an update of many devices ended. */
export interface FleetResult {
  /** Whether the goal is reached on every device. */
  readonly ok: boolean;
  /** How many devices have which verdict. */
  readonly counts: Readonly<Partial<Record<UpdateVerdict, number>>>;
  /** One for each device, in the order in which they were given. */
  readonly devices: readonly UpdateResult[];
  /** Why devices were not begun. */
  readonly stoppedBecause?: string;
  readonly elapsedMs: number;
}

/** What would be done on a device, or why that cannot be told. */
export type DevicePlan =
  | { readonly device: string; readonly plan: UpdatePlan; readonly error?: undefined }
  | { readonly device: string; readonly plan?: undefined; readonly error: SmpErrorReport };

/** What an update would do. */
export interface FleetPlan {
  readonly dryRun: true;
  /** In the order in which the devices were given. */
  readonly devices: readonly DevicePlan[];
}
