/** The settings of an update node. */
import {
  TRIAL_POLICIES,
  UPDATE_GOALS,
  VERSION_POLICIES,
  type FleetOptions,
  type Gate,
  type UpdatePolicy,
} from "../../src/index";
import { oneOf, optionalNumber, setting } from "./checks";
import type { NodeDef } from "./red";

export interface UpdateConfig extends NodeDef {
  readonly pool?: string;
  readonly firmware?: string;
  readonly firmwareType?: string;
  readonly goal?: string;
  readonly versions?: string;
  readonly onTrial?: string;
  readonly allowRecovery?: boolean;
  readonly dryRun?: boolean;
  readonly limit?: unknown;
  readonly canary?: unknown;
  /** "": one among the canaries. */
  readonly maxFailures?: unknown;
  readonly waitS?: unknown;
  readonly gate?: boolean;
  readonly gateS?: unknown;
  readonly revertAtOnce?: boolean;
}

export interface UpdateSettings {
  readonly policy: Omit<UpdatePolicy, "gate" | "fileSha256">;
  readonly fleet: Pick<FleetOptions, "limit" | "canary" | "maxFailures" | "waitMs">;
  readonly gate: Required<Pick<Gate, "deadlineMs" | "revertAtOnce">> | undefined;
  readonly dryRun: boolean;
}

const MAX_DEVICES = 1_000;
const DAY_S = 86_400;

/** @throws SMP_BAD_SETTING */
export function readUpdateSettings(config: UpdateConfig): UpdateSettings {
  const { goal, versions, onTrial, allowRecovery, gate } = config;
  const maxFailures = numberOf("maxFailures", config.maxFailures, undefined, [1, MAX_DEVICES]);
  return {
    policy: {
      goal: oneOf(setting("goal"), goal ?? "test-and-confirm", UPDATE_GOALS),
      versions: oneOf(setting("versions"), versions ?? "any", VERSION_POLICIES),
      onTrial: oneOf(setting("onTrial"), onTrial ?? "refuse", TRIAL_POLICIES),
      allowRecovery: allowRecovery === true,
    },
    fleet: {
      limit: numberOf("limit", config.limit, 8, [1, MAX_DEVICES]),
      canary: numberOf("canary", config.canary, 0, [0, MAX_DEVICES]),
      maxFailures,
      waitMs: numberOf("waitS", config.waitS, 300, [1, DAY_S])! * 1000,
    },
    gate: gate === true && (goal ?? "test-and-confirm") === "test-and-confirm" ? gateOf(config) : undefined,
    dryRun: config.dryRun === true,
  };
}

function gateOf({ gateS, revertAtOnce }: UpdateConfig): UpdateSettings["gate"] {
  return { deadlineMs: numberOf("gateS", gateS, 600, [1, DAY_S])! * 1000, revertAtOnce: revertAtOnce === true };
}

function numberOf(
  name: string,
  value: unknown,
  fallback: number | undefined,
  range: readonly [number, number],
): number | undefined {
  return optionalNumber(setting(name), value, range) ?? fallback;
}
