import assert from "node:assert/strict";
import { bleModel, limitBytesPerSecond, serialModel, udpModel, type Model, type Server } from "./model";
import { runModel } from "./model-run";

const MIB = 1024 * 1024;
const SERVER: Server = { bufSize: 2475, bufCount: 4, requestMs: 0, writeBytesPerSecond: 0, erasePageMs: 0 };

function limitKb(model: Model, server: Partial<Server>): number {
  return Math.round(limitBytesPerSecond(model, { ...SERVER, ...server }) / 100) / 10;
}

describe("the modelled links", () => {
  it("have the limits that were worked out and held against real noble for Bluetooth LE", () => {
    const ble = (intervalMs: number, mtu: number, reassembly = true): Model =>
      bleModel({ intervalMs, mtu, reassembly });
    assert.equal(limitKb(ble(30, 23), { bufCount: 2 }), 3.7);
    assert.equal(limitKb(ble(15, 247), { bufCount: 2 }), 40.8);
    assert.equal(limitKb(ble(7.5, 247), {}), 59.4);
    assert.equal(limitKb(ble(30, 247), {}), 44.5);
    assert.equal(limitKb(ble(30, 498), {}), 49);
    assert.equal(limitKb(ble(50, 247), { bufSize: 384, bufCount: 9 }), 21.5);
    assert.equal(limitKb(ble(30, 247, false), { bufCount: 2 }), 3.6);
  });

  const cases: Record<string, [Model, Partial<Server>]> = {
    "Bluetooth LE, frames in pieces": [bleModel({ intervalMs: 30, mtu: 247, reassembly: true }), {}],
    "Bluetooth LE, frames in pieces, stop-and-wait": [
      bleModel({ intervalMs: 30, mtu: 247, reassembly: true }),
      { bufCount: 2 },
    ],
    "Bluetooth LE, whole frames": [bleModel({ intervalMs: 15, mtu: 498, reassembly: false }), {}],
    "UDP far away": [udpModel(100), { bufSize: 1024, bufCount: 9 }],
    "UDP nearby, stop-and-wait": [udpModel(0.1), { bufSize: 1024, bufCount: 2 }],
    "UDP to flash that is slower than the link": [
      udpModel(10),
      { requestMs: 1, writeBytesPerSecond: 97_000, erasePageMs: 85 },
    ],
    "a serial line, one request at a time": [serialModel(115_200), { bufSize: 1024 }],
  };
  for (const [what, [model, server]] of Object.entries(cases)) {
    it(`are used to 95 % and more by a whole upload: ${what}`, async () => {
      const run = await runModel(model, { ...SERVER, ...server }, MIB);
      assert.ok(run.share >= 0.95, `${(run.share * 100).toFixed(1)} % of ${run.limitBytesPerSecond} bytes/s`);
      assert.ok(run.share <= 1.01, "nothing is faster than its limit, but for the shorter numbers at its beginning");
      assert.equal(run.retries, 0, "the device never has too much at once");
    });
  }

  it("give the same figures each time, to the last digit", async () => {
    const model = bleModel({ intervalMs: 7.5, mtu: 498, reassembly: false });
    const [one, other] = [await runModel(model, SERVER, 100_000), await runModel(model, SERVER, 100_000)];
    assert.deepEqual(one, other);
  });
});
