/** Resets a device, waits until it is back, and tells what the bootloader made of it. */
import { resetDevice, toSmpError, type ResetProgress } from "../src/index";
import { optionalNumber, setting } from "./runtime/checks";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";
import { wantedImage } from "./runtime/wanted-image";

interface ResetConfig extends NodeDef {
  readonly waitS?: string | number;
  readonly force?: boolean;
  readonly recovery?: boolean;
}

/** Longer than the swap of two full slots takes. */
const DEFAULT_WAIT_S = 300;
const MAX_WAIT_S = 86_400;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-reset", function (this: FlowNode, config: ResetConfig) {
    RED.nodes.createNode(this, config);
    runStep(RED, this, config, {
      name: "reset",
      progressOutput: 1,
      errorOutput: 2,
      work: (job) => reset(job, config),
    });
  });
}

async function reset(job: Job, config: ResetConfig): Promise<Outcome> {
  const target = job.target();
  const waitMs = (optionalNumber(setting("waitS"), config.waitS, [0, MAX_WAIT_S]) ?? DEFAULT_WAIT_S) * 1000;
  const { signal } = job;
  const toRecovery = config.recovery === true;
  const options = {
    wanted: wantedImage(job.msg),
    force: config.force === true,
    toRecovery,
    waitMs,
    signal,
  };
  const onProgress = ({ phase, elapsedMs, etaMs }: ResetProgress): void => {
    // Of the time that it took last; while that is unknown, of what it may take: most devices are back long before.
    const wholeMs = etaMs === undefined ? waitMs : Math.min(waitMs, elapsedMs + etaMs);
    job.report(wholeMs > 0 ? Math.min(99, (elapsedMs * 100) / wholeMs) : 0, { phase, elapsedMs, etaMs });
  };
  const { after, verdict, absentMs, because } = await job.use(target, (device) =>
    resetDevice(device, { ...options, onProgress }).catch((thrown: unknown) => {
      const { verdict: final } = toSmpError(thrown).details;
      if (final === "reverted" || final === "rejected-by-bootloader") target.pool.jobs.ended(device.key);
      throw thrown;
    }),
  );
  job.seen(target, after);
  return {
    payload: after,
    smp: { images: after, verdict, reset: { absentMs, because }, unfinished: undefined },
    text: job.words.own(verdict ?? withoutVerdict(waitMs, toRecovery)),
  };
}

function withoutVerdict(waitMs: number, toRecovery: boolean): string {
  if (waitMs === 0) return "not-waited";
  return toRecovery ? "in-recovery" : "restarted";
}
