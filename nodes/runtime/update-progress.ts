import type { DeviceProgress, FleetProgress, SmpDeviceProgress } from "../../src/index";
import type { Job } from "./job";

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
  const each = running.map((one) => ({ device: one.device, percent: one.percent, ...factsOf(one) }));
  const phase = paused ? "paused" : "updating";
  job.report(percent, { phase, devices, running: each, elapsedMs, ...eta }, { done, total });
}

function factsOf(progress: DeviceProgress): SmpDeviceProgress {
  const { phase, offBytes: off, lenBytes: len, bytesPerSecond, etaMs, retries, elapsedMs, noReturn } = progress;
  const known = { off, len, bytesPerSecond, etaMs, retries };
  const told = Object.entries(known).filter(([, value]) => value !== undefined);
  return { phase, elapsedMs, noReturn, ...Object.fromEntries(told) };
}
