/** Opens a session with a device, or closes it, and tells the other nodes by `msg.smp` which device a message is for. */
import { nonEmptyText } from "./runtime/checks";
import type { Job, Outcome } from "./runtime/job";
import { LinkLight, showMissingPool } from "./runtime/link-light";
import { runStep } from "./runtime/node";
import { findPool, type PoolNode, type Target } from "./runtime/pool";
import { recordOf, type FlowNode, type NodeAPI, type NodeDef } from "./runtime/red";

interface ConnectConfig extends NodeDef {
  readonly pool?: string;
}

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-connect", function (this: FlowNode, config: ConnectConfig) {
    RED.nodes.createNode(this, config);
    const poolOfNode = (): PoolNode => findPool(RED, config.pool, "the connect node");
    const runner = runStep(RED, this, config, {
      name: "connect",
      errorOutput: 1,
      actions: ["disconnect"],
      work: async (job) => {
        job.show(job.words.own("busy"));
        const target = await targetOfJob(job, poolOfNode());
        light.follow(target);
        return job.msg.action === "disconnect" ? disconnect(target) : connect(job, target);
      },
    });
    const light = new LinkLight(this, runner);
    showMissingPool(runner, poolOfNode);
  });
}

async function targetOfJob(job: Job, pool: PoolNode): Promise<Target> {
  const { field, value } = await job.input("device");
  const device = nonEmptyText(field, value);
  pool.sessions().key(device);
  job.aimAt({ pool, device });
  // What was learnt of one device is not to be used on another.
  const { pool: poolBefore, device: deviceBefore } = recordOf(job.msg.smp);
  if (poolBefore !== pool.id || deviceBefore !== device) job.msg.smp = {};
  return { pool, device };
}

async function connect(job: Job, { pool, device }: Target): Promise<Outcome> {
  const { link } = pool;
  const facts = await job.use({ pool, device }, async (handle) => {
    const { maxFrameBytes, parameters, linkFacts } = await handle.session(job.signal);
    return { maxFrameBytes, ...parameters, ...(linkFacts && { negotiated: { ...linkFacts } }) };
  });
  const unfinished = pool.jobs.find(pool.sessions().key(device));
  return { payload: { device, link, ...facts }, smp: { pool: pool.id, device, link, unfinished } };
}

async function disconnect({ pool, device }: Target): Promise<Outcome> {
  await pool.sessions().disconnect(device);
  return { payload: { device, link: "closed" }, smp: { pool: pool.id, device, link: pool.link } };
}
