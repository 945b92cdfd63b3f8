/** The example that needs a web server, in a Node-RED that has one. */
import assert from "node:assert/strict";
import { packageDir, readExample } from "./node-red";
import { NodeRedProcess } from "./node-red-process";

describe("example 08 - Cloud method call over HTTP", function () {
  this.timeout(90_000);
  let nodeRed: NodeRedProcess;

  before(async () => {
    nodeRed = await NodeRedProcess.start({ nodesDir: packageDir });
  });

  after(async () => {
    await nodeRed?.stop();
  });

  it("updates a device by calls, and shows the cloud's words for one that is offline", async () => {
    const flow = readExample("08 - Cloud method call over HTTP.json");
    for (const node of flow) {
      if (node.type === "debug" && node.name !== "progress") node["console"] = true;
      if (node.type === "tab")
        node["env"] = [{ name: "CLOUD_URL", value: `${nodeRed.url}/smp-example-cloud`, type: "str" }];
    }
    const since = nodeRed.log.length;
    await nodeRed.deploy(flow);
    await nodeRed.logged(/Started flows/, since);
    await nodeRed.press(flow.find(({ name }) => name === "update sensor-1")!.id);
    const [, value] = await nodeRed.logged(/\[debug:confirmed\] (.*)/, since);
    assert.equal(value, "sensor-1 runs 1.5.0, confirmed");
    await nodeRed.press(flow.find(({ name }) => name === "update sensor-2")!.id);
    await nodeRed.logged(/\[debug:error\][\s\S]*DeviceNotOnline; the device sensor-2/, since);
    assert.doesNotMatch(nodeRed.log, /debug:messages for nobody/);
  });
});
