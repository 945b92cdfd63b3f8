/** The whole update of one device or many: plan, upload, test, reset, verify, gate, confirm. */
import type { Job, Outcome } from "./runtime/job";
import { showMissingPool } from "./runtime/link-light";
import { runStep } from "./runtime/node";
import { findPool } from "./runtime/pool";
import type { FlowNode, NodeAPI } from "./runtime/red";
import { isGateAnswer, UpdateGates } from "./runtime/update-gates";
import { TOLD, UpdateJobs } from "./runtime/update-jobs";
import type { UpdateConfig } from "./runtime/update-settings";

/** "plan" is a dry run. */
const ACTIONS = ["abort", "pause", "resume", "plan"];

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-update", function (this: FlowNode, config: UpdateConfig) {
    RED.nodes.createNode(this, config);
    const gates = new UpdateGates();
    const jobs = new UpdateJobs(RED, this, { config, gates });
    const work = async (job: Job): Promise<Outcome | undefined> => {
      if (isGateAnswer(job.msg)) gates.answer(job.msg);
      if (isGateAnswer(job.msg) || jobs.control(job.msg)) return undefined;
      return jobs.run(job);
    };
    const runner = runStep(RED, this, config, {
      name: "update",
      progressOutput: 1,
      errorOutput: 3,
      actions: ACTIONS,
      work,
    });
    if (config.pool) showMissingPool(runner, () => findPool(RED, config.pool, TOLD));
  });
}
