import type { DeviceProgress, FleetProgress } from "../../src/index";
import type { Job } from "./job";
import type { ProgressFacts } from "./progress";

/** The progress of an update: of the one device in its own words, of several as counts and those that are worked on. */
export function reportFleet(job: Job, progress: FleetProgress, isSingle: boolean): void {
  const { percent, devices, running, paused, elapsedMs, etaMs } = progress;
  const [only] = running;
  if (isSingle) {
    if (only) job.report(only.percent, factsOf(only));
    return;
  }
  const { done, total } = devices;
  const eta = etaMs === undefined ? {} : { etaMs };
  job.report(percent, { phase: paused ? "paused" : "updating", devices, running, elapsedMs, ...eta }, { done, total });
}

function factsOf(progress: DeviceProgress): ProgressFacts {
  const { phase, offBytes: off, lenBytes: len, bytesPerSecond, etaMs, retries, elapsedMs, noReturn } = progress;
  const known = { off, len, bytesPerSecond, etaMs, retries };
  const told = Object.entries(known).filter(([, value]) => value !== undefined);
  return { phase, elapsedMs, noReturn, ...Object.fromEntries(told) };
}
