import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { BleLink } from "../../src/transport/ble-link";
import type { BleSettings, BleTransport } from "../../src/transport/ble";
import { BleWorld, DRIVERS, failure, FOREVER, PassiveServer, until } from "./ble-fixture";

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function end(link: BleLink) {
  return await failure(async () => {
    for await (const _ of link.frames);
  });
}

describe("the process in which noble lives", () => {
  let world: BleWorld;
  const links: BleLink[] = [];
  beforeEach(() => {
    world = new BleWorld();
    world.add(new PassiveServer());
    world.add(new PassiveServer());
  });
  afterEach(async () => {
    await Promise.all(links.splice(0).map((link) => link.close()));
    await world.close();
  });

  async function open(transport: BleTransport, device = "sensor-1"): Promise<BleLink> {
    const link = await transport.open(transport.parse(device), FOREVER);
    links.push(link);
    return link;
  }
  const refusal = (settings: BleSettings, env: NodeJS.ProcessEnv = {}) =>
    failure(() => open(world.transport(settings, env)));

  for (const driver of DRIVERS) {
    describe(driver, () => {
      it("explains an adapter that is switched off, and works once it is on", async () => {
        const transport = world.transport({ driver });
        world.air.setAdapter("down");
        const error = await failure(() => open(transport));
        assert.equal(error.code, "SMP_LINK_OPEN");
        assert.match(error.message, /cannot open ble:sensor-1: the Bluetooth adapter is switched off/);
        assert.match(error.hint, /rfkill unblock bluetooth/);
        world.air.setAdapter("up");
        await open(transport);
      });

      it("explains an adapter that is missing", async () => {
        world.air.setAdapter("absent");
        const { message, hint } = await refusal({ driver, adapter: 7 });
        assert.match(message, /the Bluetooth adapter hci7 is not there/);
        assert.notEqual(hint, "");
      });

      it("ends its links when the adapter goes, and opens them anew when it is back", async () => {
        const transport = world.transport({ driver });
        const both = [await open(transport, "sensor-1"), await open(transport, "sensor-2")];
        world.air.setAdapter("down");
        for (const error of await Promise.all(both.map(end))) assert.equal(error.code, "SMP_LINK_LOST");
        assert.match((await failure(() => open(transport))).message, /switched off/);
        world.air.setAdapter("up");
        await open(transport);
      });

      it("is replaced when it is killed, and its links end with a reason", async () => {
        const transport = world.transport({ driver });
        const both = [await open(transport, "sensor-1"), await open(transport, "sensor-2")];
        process.kill(transport.pid!, "SIGKILL");
        for (const error of await Promise.all(both.map(end))) {
          assert.match(error.message, /was lost: the Bluetooth process ended with SIGKILL/);
        }
        await until(() => world.air.openLinks === 0);
        await open(transport);
      });

      it("is replaced when it is stuck", async () => {
        const transport = world.transport({ driver }, {}, { stuckMs: 2_000 });
        const link = await open(transport);
        const { pid } = transport;
        process.kill(pid!, "SIGUSR2");
        assert.match((await end(link)).message, /did not answer for 2 s; noble is stuck/);
        await open(transport);
        await until(() => !isAlive(pid!));
      });

      it("does not let the parent's interrupt end its links", async () => {
        const transport = world.transport({ driver });
        const link = await open(transport);
        process.kill(transport.pid!, "SIGINT");
        process.kill(transport.pid!, "SIGTERM");
        await link.send(new Uint8Array(8), FOREVER);
        await open(transport, "sensor-2");
      });

      it("ends with its parent, also when that is killed", async () => {
        const { execArgv, env } = world.air.options();
        const parent = fork(join(__dirname, "../ble-controller/parent.ts"), [driver], {
          execArgv: ["--require", require.resolve("tsx/cjs")],
          env: { ...process.env, ...env, HOST_EXEC_ARGV: JSON.stringify(execArgv) },
        });
        const [pid] = (await once(parent, "message")) as [number];
        assert.ok(isAlive(pid));
        parent.kill("SIGKILL");
        await until(() => !isAlive(pid));
        await until(() => world.air.openLinks === 0);
      });

      it("says which package is missing, and how to install it", async () => {
        const { message, hint, retryable } = await refusal({ driver }, { BLE_MISSING_PACKAGES: `@${driver}/noble` });
        assert.match(message, new RegExp(`the package @${driver}/noble is not installed`));
        assert.match(hint, /npm install @abandonware\/noble/);
        assert.equal(retryable, false);
      });

      it("says so when the package was not compiled", async () => {
        const { message, hint } = await refusal({ driver }, { BLE_UNCOMPILED: "1" });
        assert.match(message, new RegExp(`the package @${driver}/noble is installed, but was not compiled`));
        assert.match(hint, new RegExp(`npm rebuild @${driver}/noble`));
      });
    });
  }

  it("explains missing rights", async () => {
    world.air.setAdapter("denied");
    const { message, hint } = await refusal({ driver: "abandonware" });
    assert.match(message, /Node-RED has no permission to use the Bluetooth adapter/);
    assert.match(hint, /CAP_NET_RAW|--cap-add=NET_RAW/);
  });

  it("takes the other package when the first is not installed", async () => {
    const transport = world.transport({ driver: "auto" }, { BLE_MISSING_PACKAGES: "@abandonware/noble" });
    assert.equal((await open(transport)).facts.driver, "stoprocent");
  });

  it("says so when no package is installed at all", async () => {
    const missing = "@abandonware/noble,@stoprocent/noble";
    const { message } = await refusal({ driver: "auto" }, { BLE_MISSING_PACKAGES: missing });
    assert.match(message, /@abandonware\/noble is not installed; the package @stoprocent\/noble is not installed/);
  });

  it("is one for all who use the same adapter", async () => {
    const [one, other] = [world.transport({ driver: "abandonware" }), world.transport({ driver: "abandonware" })];
    await open(one, "sensor-1");
    await open(other, "sensor-2");
    assert.equal(one.pid, other.pid);
  });
});
