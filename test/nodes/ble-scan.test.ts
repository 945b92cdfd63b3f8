import assert from "node:assert/strict";
import { PassiveServer, until } from "../transport/ble-fixture";
import { useBleWorld } from "./ble-air";
import { useScanEndpoint } from "./scan-client";

describe("the scan endpoint over Bluetooth LE", () => {
  const world = useBleWorld();
  const scan = useScanEndpoint();

  it("looks once at a time through an adapter, and no longer than somebody waits", async () => {
    world().add(new PassiveServer());
    const settings = { link: "ble", bleAdapter: "21" };
    const controller = new AbortController();
    const first = scan({ settings, seconds: 15 }, controller.signal);
    await until(() => world().air.isScanning);
    const second = await scan({ settings, seconds: 5 });
    assert.deepEqual([second.status, second.body.code], [409, "SMP_BUSY"]);
    controller.abort();
    await assert.rejects(first, { name: "AbortError" });
    await until(() => !world().air.isScanning);
  });

  it("says what is the matter with the adapter", async () => {
    world().air.setAdapter("down");
    const { status, body } = await scan({ settings: { link: "ble", bleAdapter: "22" } });
    assert.deepEqual([status, body.code], [503, "SMP_LINK_OPEN"]);
    assert.match(body.message!, /hci22 is switched off/);
    assert.match(body.hint!, /rfkill/);
  });
});
