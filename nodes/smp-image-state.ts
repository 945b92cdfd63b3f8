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
  if (given.value === undefined) return listed(job, await read());
  const image = imageNumber(await job.input("image")) ?? 0;
  job.show(job.words.own("reading"));
  return withPackage({ RED, given, pool: target.pool, signal: job.signal }, async (pack) => {
    const images = await read();
    return listed(job, images, wanted(pack, image, images));
  });
}

function wanted(pack: FirmwarePackage, image: number, images: ImageState): Firmware {
  return describeFirmware(choosePart(pack, { image, images }).info, image);
}

function listed(job: Job, images: ImageState, firmware?: Firmware): Outcome {
  if (!firmware) return { payload: images, smp: { images }, text: runningText(job, images) };
  const smp = { images, firmware };
  if (!isUpToDate(images, firmware)) return { payload: images, smp, text: runningText(job, images) };
  return {
    output: UP_TO_DATE_OUTPUT,
    payload: images,
    smp: { ...smp, verdict: "already-current" },
    text: job.words.own("up-to-date"),
  };
}

function runningText({ words }: Job, images: ImageState): string {
  const version = images.find(({ active }) => active)?.version;
  return version ? words.own("running", { version }) : words.own("done");
}
