/** noble with its native module on the Bluetooth of Debian's own kernel, in an emulated machine with a virtual controller. */
import assert from "node:assert/strict";
import type { GuestReport } from "./guest/report";
import { runGuest } from "./guest";
import { type GuestFiles, guestFiles } from "./guest-files";

const DOWNLOAD_MS = 300_000;
/** Two boots of an emulated machine. */
const BOOTS_MS = 600_000;
/** Of 100 ms; an attempt to connect takes a hundred of them before it is given up. */
const ENOUGH_TICKS = 50;
/** In the first fork, connecting to what is gone blocks the process for longer than we wait. */
const GIVEN_UP = {
  abandonware: /^cannot open ble:ghost: the Bluetooth process did not answer for 10 s; noble is stuck$/,
  stoprocent: /^cannot open ble:ghost: the connection did not come within 10 s$/,
} as const;

describe("Bluetooth LE on a real kernel", () => {
  let files: GuestFiles;
  before(async function () {
    this.timeout(DOWNLOAD_MS);
    files = await guestFiles();
  });

  for (const driver of ["abandonware", "stoprocent"] as const) {
    describe(driver, () => {
      let report: GuestReport;
      before(async function () {
        this.timeout(BOOTS_MS);
        report = await runGuest(files, driver);
      });

      it("uploads, tests, resets, comes back to the device and confirms", () => {
        const { outcome, verdict, slots } = report.update;
        assert.deepEqual([outcome, verdict], ["uploaded", "testing"]);
        const [running, former] = slots;
        assert.deepEqual([running!.version, running!.active, running!.confirmed], ["2.0.0", true, true]);
        assert.deepEqual([former!.version, former!.active], ["1.0.0", false]);
      });

      it("gives up a device that has gone, while all else goes on", () => {
        const { code, message, ticks } = report.absence;
        assert.equal(code, "SMP_LINK_OPEN");
        assert.match(message, GIVEN_UP[driver]);
        assert.ok(ticks >= ENOUGH_TICKS, `only ${ticks} ticks of 100 ms`);
      });

      it("reaches another device right afterwards", () => {
        assert.equal(report.absence.slotsAfterwards[0]!.version, "2.0.0");
      });
    });
  }
});
