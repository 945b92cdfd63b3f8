/** Reads which images a device has, and whether it already runs the wanted firmware. */
import {
  choosePart,
  describeFirmware,
  isUpToDate,
  readImageState,
  type Firmware,
  type FirmwarePackage,
  type ImageState,
} from "../src/index";
import { imageNumber } from "./runtime/checks";
import { withPackage } from "./runtime/firmware";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import type { Target } from "./runtime/pool";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";

const UP_TO_DATE_OUTPUT = 1;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-image-state", function (this: FlowNode, config: NodeDef) {
    RED.nodes.createNode(this, config);
    runStep(RED, this, config, { name: "image state", errorOutput: 2, work: (job) => imageState(RED, job) });
  });
}

async function imageState(RED: NodeAPI, job: Job): Promise<Outcome> {
  const target = job.target();
  const given = await job.input("firmware");
  const read = (): Promise<ImageState> =>
    job.use(target, async (device) => readImageState(await device.session(job.signal), job.signal));
  // Without firmware the flow only wants the list.
  if (given.value === undefined) return listed(job, target, await read());
  const image = imageNumber(await job.input("image")) ?? 0;
  job.show(job.words.own("reading"));
  return withPackage({ RED, given, pool: target.pool, signal: job.signal }, async (pack) => {
    const images = await read();
    return listed(job, target, images, wanted(pack, image, images));
  });
}

function wanted(pack: FirmwarePackage, image: number, images: ImageState): Firmware {
  return describeFirmware(choosePart(pack, { image, images }).info, image);
}

function listed(job: Job, target: Target, images: ImageState, firmware?: Firmware): Outcome {
  const unfinished = job.seen(target, images);
  const found = { payload: images, smp: { images, unfinished, ...(firmware && { firmware }) } };
  if (!firmware || !isUpToDate(images, firmware)) return { ...found, text: runningText(job, images) };
  return {
    output: UP_TO_DATE_OUTPUT,
    ...found,
    smp: { ...found.smp, verdict: "already-current" },
    text: job.words.own("up-to-date"),
  };
}

function runningText({ words }: Job, images: ImageState): string {
  const version = images.find(({ active }) => active)?.version;
  return version ? words.own("running", { version }) : words.own("done");
}
