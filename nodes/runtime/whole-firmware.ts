import type { Given } from "./checks";
import type { Job } from "./job";
import { isPart, type PartsCollector } from "./parts";

interface FirmwareConfig {
  readonly firmware?: string;
  readonly firmwareType?: string;
}

/** Undefined when the message is a part of the firmware, and more are to come. */
export async function wholeFirmware(
  job: Job,
  config: FirmwareConfig,
  parts: PartsCollector,
): Promise<Given | undefined> {
  const given = await job.input("firmware");
  if (config.firmwareType !== "msg" || !isPart(job.msg, given.value)) return given;
  job.show(job.words.own("collecting"));
  const { msg, signal } = job;
  const taken = await parts.take({ msg, property: config.firmware!, piece: given.value, signal });
  return taken === "taken" ? undefined : { ...given, value: taken };
}
