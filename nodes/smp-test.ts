/** Selects an uploaded image for a trial at the next boot. */
import { testImage } from "../src/index";
import { imageHash, imageNumber } from "./runtime/checks";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import type { FlowNode, NodeAPI, NodeDef } from "./runtime/red";

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-test", function (this: FlowNode, config: NodeDef) {
    RED.nodes.createNode(this, config);
    runStep(RED, this, config, { name: "test", errorOutput: 1, work: test });
  });
}

async function test(job: Job): Promise<Outcome> {
  const target = job.target();
  const hash = imageHash(await job.input("hash"));
  const image = imageNumber(await job.input("image"));
  const images = await job.use(target, (device) => testImage(device, { hash, image, signal: job.signal }));
  job.seen(target, images);
  return {
    payload: images,
    smp: { images, unfinished: undefined },
    text: job.words.own("done"),
  };
}
