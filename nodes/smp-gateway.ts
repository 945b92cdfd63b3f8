/** Plays SMP frames that come in messages to the devices of a local pool, and tells who is reachable. */
import { toSmpError } from "../src/index";
import type { Job, Outcome } from "./runtime/job";
import { runStep } from "./runtime/node";
import { findPool } from "./runtime/pool";
import type { FlowNode, NodeAPI, NodeDef, NodeMessage } from "./runtime/red";
import { Station, type StationConfig } from "./runtime/station";

interface GatewayConfig extends NodeDef, StationConfig {
  readonly pool?: string;
  readonly presence?: boolean;
}

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-gateway", function (this: FlowNode, config: GatewayConfig) {
    RED.nodes.createNode(this, config);
    let station: Station | undefined;
    const runner = runStep(RED, this, config, {
      name: "gateway",
      errorOutput: 2,
      actions: ["announce"],
      work: (job) => work(job),
    });
    const tell = (message: NodeMessage): void => {
      if (config.presence !== false) this.send([null, message, null]);
      show();
    };
    const open = (): Station => {
      if (station) return station;
      const pool = findPool(RED, config.pool, "the gateway node");
      runner.join(pool);
      return (station = new Station(pool, config, tell));
    };
    const show = (): void => {
      const count = station?.openCount ?? 0;
      const text = runner.words.own(count === 0 ? "waiting" : "open", { count });
      runner.status.rest({ fill: "green", shape: count === 0 ? "ring" : "dot", text });
    };
    const announce = (): void => open().announcement().forEach(tell);
    const work = async (job: Job): Promise<Outcome | undefined> => {
      if (job.msg.action !== "announce") return await open().play(job);
      announce();
      return undefined;
    };
    const start = (): void => {
      try {
        announce();
      } catch (thrown) {
        const error = toSmpError(thrown);
        runner.status.fault(error);
        this.error(error.message);
      }
    };
    // The nodes that it sends to may not be there before.
    RED.events.once("flows:started", start);
    this.on("close", () => {
      RED.events.removeListener("flows:started", start);
      station?.close();
    });
  });
}
