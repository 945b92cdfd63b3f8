/** Reads which images a device has, and whether it already runs the wanted firmware. */
import { describeFirmware, isUpToDate, readImageState, type Firmware, type ImageState } from "../src/index";
import { imageNumber } from "./runtime/checks";
import { withFirmware } from "./runtime/firmware";
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
  const firmware = await wantedFirmware(RED, job);
  const images = await job.use(target, async (device) => readImageState(await device.session(job.signal), job.signal));
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

/** Undefined when the flow only wants the list. */
async function wantedFirmware(RED: NodeAPI, job: Job): Promise<Firmware | undefined> {
  const given = await job.input("firmware");
  if (given.value === undefined) return undefined;
  const image = imageNumber(await job.input("image")) ?? 0;
  job.show(job.words.own("reading"));
  return withFirmware({ RED, given, signal: job.signal }, async (_source, info) => describeFirmware(info, image));
}

function runningText({ words }: Job, images: ImageState): string {
  const version = images.find(({ active }) => active)?.version;
  return version ? words.own("running", { version }) : words.own("done");
}
