import assert from "node:assert/strict";
import { nodeRedVersion, packageDir } from "../node-red";
import { NodeRedProcess } from "../node-red-process";

describe(`the scan endpoint of Node-RED ${nodeRedVersion} with a login`, function () {
  this.timeout(90_000);
  let nodeRed: NodeRedProcess;
  afterEach(() => nodeRed?.stop());

  /** @param permissions of those who are not logged in */
  const scan = async (...permissions: string[]): Promise<Response> => {
    const adminAuth = { type: "credentials", users: [], default: { permissions } };
    nodeRed = await NodeRedProcess.start({ nodesDir: packageDir, adminAuth });
    return nodeRed.fetch("smp-dfu/scan", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ settings: { link: "virtual", devices: [{ name: "one" }] } }),
    });
  };

  it("is closed to those who may only read", async () => {
    assert.equal((await scan("read")).status, 401);
  });

  it("is open to those who have its permission", async () => {
    const response = await scan("read", "smp-dfu.write");
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { devices: unknown[] }).devices.length, 1);
  });
});
