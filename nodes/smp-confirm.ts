/** Makes the image that runs permanent, if it is the one that was asked for. */
import { confirmImage } from "../src/index";
import { imageHash, imageNumber } from "./runtime/checks";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";
import { installedHashOf } from "./runtime/wanted-image";

interface ConfirmConfig extends NodeDef {
  readonly hashType?: string;
}

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-confirm", function (this: FlowNode, config: ConfirmConfig) {
    RED.nodes.createNode(this, config);
    runStep(RED, this, config, { name: "confirm", errorOutput: 1, work: (job) => confirm(job, config) });
  });
}

async function confirm(job: Job, { hashType }: ConfirmConfig): Promise<Outcome> {
  const target = job.target();
  // "none" confirms whatever runs; a hash that is only missing must not end there.
  const hash = hashType === "none" ? undefined : imageHash(await job.input("hash"));
  const image = imageNumber(await job.input("image"));
  const options = { hash, installedHash: installedHashOf(job.msg, hash), image, signal: job.signal };
  const images = await job.use(target, (device) => confirmImage(device, options));
  job.seen(target, images);
  return {
    payload: images,
    smp: { images, verdict: "confirmed", unfinished: undefined },
    text: job.words.own("done"),
  };
}
