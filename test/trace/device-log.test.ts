import assert from "node:assert/strict";
import { readDeviceLog } from "../../src/trace/device-log";

const ZERO = Date.UTC(2026, 0, 31, 10, 0, 0);

describe("a device's log beside a trace", () => {
  it("is placed by Zephyr's uptime", () => {
    const lines = readDeviceLog("[00:00:01.500,250] <inf> smp: one\n[01:00:00.000,000] <err> img: two\n", ZERO);
    assert.deepEqual(
      lines.map(({ wallMs }) => wallMs - ZERO),
      [1_500.25, 3_600_000],
    );
    assert.equal(lines[0]!.text, "[00:00:01.500,250] <inf> smp: one");
  });

  it("is placed without the colours and the prompt of Zephyr's shell", () => {
    const esc = "\u001b";
    const shell = `${esc}[1;32muart:~$ ${esc}[m${esc}[8D${esc}[J`;
    const text = `${shell}[00:00:01.234,000] ${esc}[0m<inf> mcuboot: swap${esc}[0m\r\r\n${shell}[00:00:02.000,000] <wrn> b\r\n`;
    assert.deepEqual(readDeviceLog(text, ZERO), [
      { wallMs: ZERO + 1_234, text: "[00:00:01.234,000] <inf> mcuboot: swap" },
      { wallMs: ZERO + 2_000, text: "[00:00:02.000,000] <wrn> b" },
    ]);
  });

  it("is refused when no line of it bears a time", () => {
    assert.throws(() => readDeviceLog("hello\n\nworld", ZERO), {
      code: "SMP_BAD_INPUT",
      message: /begins with a time/,
    });
  });

  it("is placed by the wall clock, with and without a zone", () => {
    const local = new Date(2026, 0, 31, 11, 0, 0, 250).getTime();
    const text = "2026-01-31T10:00:00.123Z a\n[2026-01-31 11:00:00,250] b\n2026-01-31 12:00:00.5+02:00 c";
    assert.deepEqual(
      readDeviceLog(text, 0).map(({ wallMs }) => wallMs),
      [ZERO + 123, local, ZERO + 500],
    );
  });

  it("keeps a line without a time at the one before", () => {
    const lines = readDeviceLog("*** Booting Zephyr OS\n[00:00:02.000,000] <inf> a\n          more of it\n\n", ZERO);
    assert.deepEqual(
      lines.map(({ wallMs }) => wallMs),
      [-Infinity, ZERO + 2_000, ZERO + 2_000],
    );
  });

  it("counts on after a reboot", () => {
    const lines = readDeviceLog("[00:01:00.000,000] bye\n[00:00:00.250,000] hello\n[00:00:01.000,000] again", ZERO);
    assert.deepEqual(
      lines.map(({ wallMs }) => wallMs - ZERO),
      [60_000, 60_250, 61_000],
    );
  });
});
