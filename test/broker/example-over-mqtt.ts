/** Example 07 as a user runs it, with the address of a broker. */
import assert from "node:assert/strict";
import { packageDir, readExample } from "../node-red";
import { NodeRedProcess } from "../node-red-process";

const FILE = "07 - Steering and gateway over MQTT.json";

/**
 * Presses the button of one device, and reads in the log what the debug sidebar shows.
 * @param settings of the broker nodes, in place of the example's
 */
export async function updateOverMqtt(brokerPort: number, settings: object = {}): Promise<void> {
  const nodeRed = await NodeRedProcess.start({ nodesDir: packageDir });
  try {
    const flow = readExample(FILE);
    for (const node of flow) {
      if (node.type === "mqtt-broker") Object.assign(node, { port: String(brokerPort), ...settings });
      if (node.type === "debug" && node.name !== "progress") node["console"] = true;
    }
    const since = nodeRed.log.length;
    await nodeRed.deploy(flow);
    await nodeRed.logged(/\[debug:presence\] gateway-1 online/, since);
    await nodeRed.press(flow.find(({ name }) => name === "update sensor-1")!.id);
    const [, value] = await nodeRed.logged(/\[debug:confirmed\] (.*)/, since);
    assert.equal(value, "sensor-1 runs 1.5.0, confirmed");
    assert.match(nodeRed.log.slice(since), /\[debug:presence\] sensor-1 open/);
    assert.doesNotMatch(nodeRed.log.slice(since), /\[(?:error|warn)\]|debug:(?:error|no request|messages for nobody)/);
  } finally {
    await nodeRed.stop();
  }
}
