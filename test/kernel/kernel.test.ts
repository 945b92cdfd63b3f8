/** noble with its native module on the Bluetooth of Debian's own kernel, in an emulated machine with a virtual controller. */
import assert from "node:assert/strict";
import type { GuestReport } from "./guest/report";
import { runGuest } from "./guest";

/** Downloads, two boots of an emulated machine. */
const ALL_MS = 900_000;
/** Of 100 ms; noble stands still for a hundred of them before it is given up. */
const ENOUGH_TICKS = 50;

describe("Bluetooth LE on a real kernel", () => {
  let report: GuestReport;
  before(async function () {
    this.timeout(ALL_MS);
    report = await runGuest();
  });

  it("uploads, tests, resets, comes back to the device and confirms", () => {
    const { outcome, verdict, slots } = report.update;
    assert.deepEqual([outcome, verdict], ["uploaded", "testing"]);
    const [running, former] = slots;
    assert.deepEqual([running!.version, running!.active, running!.confirmed], ["2.0.0", true, true]);
    assert.deepEqual([former!.version, former!.active], ["1.0.0", false]);
  });

  it("gives up a device that is gone when noble stands still over it, while all else goes on", () => {
    const { code, message, ticks } = report.absence;
    assert.equal(code, "SMP_LINK_OPEN");
    assert.match(message, /cannot open ble:ghost: the Bluetooth process did not answer/);
    assert.ok(ticks >= ENOUGH_TICKS, `only ${ticks} ticks of 100 ms`);
  });

  it("reaches another device right afterwards", () => {
    assert.equal(report.absence.slotsAfterwards[0]!.version, "2.0.0");
  });
});
