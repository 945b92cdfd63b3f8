/** Uploads firmware into the slot where the bootloader looks for it. */
import {
  choosePart,
  describeFirmware,
  needsState,
  readImageState,
  uploadFirmware,
  type DeviceHandle,
  type FirmwarePackage,
  type FirmwarePart,
  type UploadProgress,
} from "../src/index";
import { imageNumber, optionalNumber, setting, type Given } from "./runtime/checks";
import { publicKeys } from "./runtime/demands";
import { expectedSha256, withPackage } from "./runtime/firmware";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import { PartsCollector } from "./runtime/parts";
import { wholeFirmware } from "./runtime/whole-firmware";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";

interface UploadConfig extends NodeDef {
  readonly firmware?: string;
  readonly firmwareType?: string;
  readonly upgradeOnly?: boolean;
  readonly allowRecovery?: boolean;
  /** Requests under way at once; "": as many as device and link take. */
  readonly window?: string | number;
}

const WINDOW_RANGE = [1, 8] as const;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-upload", function (this: FlowNode, config: UploadConfig) {
    RED.nodes.createNode(this, config);
    const parts = new PartsCollector();
    const work = async (job: Job): Promise<Outcome | undefined> => {
      const given = await wholeFirmware(job, config, parts);
      return given && upload(RED, job, config, given);
    };
    runStep(RED, this, config, { name: "upload", progressOutput: 1, errorOutput: 2, work });
  });
}

async function upload(RED: NodeAPI, job: Job, config: UploadConfig, given: Given): Promise<Outcome> {
  const target = job.target();
  const image = imageNumber(await job.input("image")) ?? 0;
  const { pool } = target;
  const options = {
    image,
    fileSha256: expectedSha256(given, await job.input("sha256")),
    keys: await publicKeys(RED, pool.demands, job.signal),
    upgradeOnly: config.upgradeOnly === true,
    allowRecovery: config.allowRecovery === true,
    window: optionalNumber(setting("window"), config.window, WINDOW_RANGE),
    signal: job.signal,
  };
  job.show(job.words.own("reading"));
  return withPackage({ RED, given, pool, signal: job.signal }, async (pack) => {
    // What can be said without the device is said before it is disturbed.
    const known = needsState(pack, image) ? undefined : choosePart(pack, { image });
    const { firmware, images, ...payload } = await job.use(
      target,
      async (device) => {
        const { source, info } = known ?? (await partFor(device, pack, { image, signal: job.signal }));
        const onProgress = (progress: UploadProgress): void => {
          if (progress.phase === "erasing") pool.jobs.began(device.key, describeFirmware(info, image));
          report(job, progress);
        };
        return uploadFirmware(device, source, info, { ...options, onProgress });
      },
      { sole: true },
    );
    job.seen(target, images, firmware);
    return { payload, smp: { firmware, images, unfinished: undefined }, text: job.words.own(payload.outcome) };
  });
}

/** Of builds for either slot the right one. */
async function partFor(
  device: DeviceHandle,
  pack: FirmwarePackage,
  { image, signal }: { image: number; signal: AbortSignal },
): Promise<FirmwarePart> {
  return choosePart(pack, { image, images: await readImageState(await device.session(signal), signal) });
}

function report(job: Job, { phase, offBytes: off, lenBytes: len, ...rest }: UploadProgress): void {
  job.report(len > 0 ? (off * 100) / len : 0, { phase, off, len, ...rest });
}
