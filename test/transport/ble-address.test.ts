import assert from "node:assert/strict";
import { keyOf, parseBleAddress } from "../../src/transport/ble-address";
import { effectiveMtu, fragmentBytes } from "../../src/transport/ble-host/mtu";

describe("address of a Bluetooth LE device", () => {
  it("takes every spelling of an address as the same device", () => {
    for (const text of ["C0:FF:EE:00:00:01", "c0-ff-ee-00-00-01", "C0FFEE000001", " c0:ff:ee:00:00:01 "]) {
      assert.equal(keyOf(parseBleAddress(text)), "c0:ff:ee:00:00:01", text);
      assert.equal(keyOf(parseBleAddress({ address: text })), "c0:ff:ee:00:00:01", text);
    }
  });

  it("takes the identifiers of macOS as addresses", () => {
    const uuid = "8E2B9F8C-52A4-4C6B-9D6E-0A7B3C2D1E0F";
    assert.deepEqual(parseBleAddress(uuid), { address: "8e2b9f8c52a44c6b9d6e0a7b3c2d1e0f" });
  });

  it("takes any other text as a name, as it is", () => {
    for (const text of ["Sensor 7", "c0:ff:ee", "pump-c0ffee000001", "café"]) {
      assert.deepEqual(parseBleAddress(text), { name: text });
    }
  });

  it("takes an address and a name together, as its own key tells them", () => {
    const identity = { address: "c0ffee000001", name: "my | sensor" };
    assert.deepEqual(parseBleAddress("C0:FF:EE:00:00:01 | my | sensor"), identity);
    assert.deepEqual(parseBleAddress(keyOf(identity)), identity);
    assert.deepEqual(parseBleAddress("my | sensor"), { name: "my | sensor" });
  });

  it("tells identities apart that share a part", () => {
    const keys = [
      { name: "a" },
      { name: "a", service: "fe59" },
      { service: "fe59" },
      { name: "fe59" },
      { address: "c0ffee000001", name: "a" },
    ];
    assert.equal(
      new Set(
        keys
          .slice(0, 2)
          .concat(keys.slice(4))
          .map((key) => keyOf(parseBleAddress(key))),
      ).size,
      3,
    );
  });

  it("says what is wrong with the rest", () => {
    for (const [given, message] of [
      [{ address: "c0:ff" }, /has the address "c0:ff", which is none; one looks like C0:FF/],
      [{ service: "smp" }, /has the service "smp"/],
      [{ name: 7 }, /has a name that is no text but a number/],
      [{ nome: "a" }, /has the property nome, but may have address, name, service/],
      [{}, /names nothing/],
      ["", /not empty text/],
      [new Date(), /not another object/],
    ] as const) {
      assert.throws(() => parseBleAddress(given), { code: "SMP_BAD_INPUT", message });
    }
  });
});

describe("fragments of Bluetooth LE", () => {
  it("follow the smaller MTU of the two, and what the system is known for when it does not tell", () => {
    const effective: readonly (readonly [number, number | null, NodeJS.Platform, number])[] = [
      [256, 498, "linux", 256],
      [498, 498, "linux", 498],
      [256, 65, "linux", 65],
      [256, null, "darwin", 185],
      [256, null, "win32", 247],
      [256, null, "linux", 23],
    ];
    for (const [asked, offered, platform, mtu] of effective) assert.equal(effectiveMtu(asked, offered, platform), mtu);
  });

  it("fit one packet of the link layer, or two", () => {
    assert.deepEqual([23, 100, 247, 256, 497, 498, 517].map(fragmentBytes), [20, 97, 244, 244, 244, 495, 495]);
  });
});
