/** One node, 200 devices, and an editor that is in use meanwhile: a Node-RED of its own, the built package. */
import assert from "node:assert/strict";
import { packageDir, type FlowNode } from "../node-red";
import { NodeRedProcess } from "../node-red-process";

const DEVICES = Array.from({ length: 200 }, (_, index) => `device-${index}`);

function node(id: string, type: string, properties: object, wires: string[][]): FlowNode {
  return { id, type, z: "tab", x: 100, y: 100, name: id, wires, ...properties };
}

const FLOW: FlowNode[] = [
  { id: "tab", type: "tab", label: "Many" },
  {
    id: "pool",
    type: "smp-pool",
    name: "many",
    link: "virtual",
    devices: DEVICES.map((name) => ({ name, trial: "healthy" })),
    maxSessions: 200,
    slotKiB: 96,
    pace: "brisk",
  },
  node("ask", "http in", { url: "/update", method: "post" }, [["update"]]),
  node(
    "update",
    "smp-update",
    {
      pool: "pool",
      device: "payload",
      deviceType: "msg",
      firmware: "sample:1.5.0",
      firmwareType: "str",
      limit: 200,
    },
    [["count"], [], [], ["answer"]],
  ),
  node("count", "change", { rules: [{ t: "set", p: "payload", pt: "msg", to: "payload.counts", tot: "msg" }] }, [
    ["answer"],
  ]),
  node("answer", "http response", {}, []),
];

describe("200 devices", function () {
  this.timeout(120_000);
  let nodeRed: NodeRedProcess;
  before(async () => {
    nodeRed = await NodeRedProcess.start({ nodesDir: [packageDir] });
  });
  after(() => nodeRed?.stop());

  it("are updated side by side while the editor's API answers", async () => {
    const logged = nodeRed.log.length;
    assert.equal((await nodeRed.deploy(FLOW)).status, 204, nodeRed.log);
    await nodeRed.logged(/Started flows/, logged);
    let isOver = false;
    const updated = nodeRed
      .fetch("update", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(DEVICES),
      })
      .finally(() => (isOver = true));
    let answers = 0;
    while (!isOver) {
      const flows = await nodeRed.json<FlowNode[]>("flows");
      assert.equal(flows.length, FLOW.length);
      if (!isOver) answers += 1;
    }
    const response = await updated;
    assert.deepEqual([response.status, await response.json()], [200, { confirmed: DEVICES.length }], nodeRed.log);
    assert.ok(answers > 5, `the editor was answered ${answers} times meanwhile`);
  });
});
