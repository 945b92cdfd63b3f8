import assert from "node:assert/strict";
import { node, pool, watchers } from "./flow";
import { useScanEndpoint } from "./scan-client";

describe("the scan endpoint, behind a flow", () => {
  const nodes = [pool({ link: "flow" }), node("in", "smp-frames-in", { pool: "pool" }, [[]]), ...watchers("in")];
  const scan = useScanEndpoint(nodes, (flow) =>
    flow.ask("in", { payload: { gateway: "gw-1", device: "sensor-1", state: "reachable" } }, "completed"),
  );

  it("lists the devices that gateways have told a deployed pool of", async () => {
    const settings = { link: "flow" };
    assert.deepEqual(
      (await scan({ settings, pool: "pool" })).body.devices!.map(({ device }) => device),
      ["sensor-1"],
    );
    for (const id of [undefined, "in", "gone", 7])
      assert.deepEqual((await scan({ settings, pool: id })).body.devices, []);
  });
});

describe("the scan endpoint", () => {
  const scan = useScanEndpoint();

  it("lists devices with settings that are not deployed", async () => {
    const devices = [{ name: "one", trial: "healthy" }, { name: "two" }];
    const { status, body } = await scan({ settings: { link: "virtual", devices }, seconds: 5 });
    assert.equal(status, 200);
    assert.deepEqual(
      body.devices!.map(({ device }) => device),
      ["one", "two"],
    );
  });

  it("ends with 200 devices", async () => {
    const devices = Array.from({ length: 50_000 }, (_, index) => ({ name: `sensor-${index}` }));
    assert.equal((await scan({ settings: { link: "virtual", devices } })).body.devices!.length, 200);
  });

  it("takes settings from the environment", async () => {
    process.env["SMP_TEST_LINK"] = "udp";
    try {
      assert.match((await scan({ settings: { link: "${SMP_TEST_LINK}" } })).body.message!, /over udp/);
    } finally {
      delete process.env["SMP_TEST_LINK"];
    }
    assert.match((await scan({ settings: { link: "${SMP_TEST_LINK}" } })).body.message!, /which is not set/);
  });

  for (const [what, body, code, message] of [
    ["no settings", {}, "SMP_BAD_INPUT", /^settings must be an object/],
    ["a list", [], "SMP_BAD_INPUT", /^settings must be/],
    ["settings that are none", { settings: [1] }, "SMP_BAD_INPUT", /^settings must be/],
    ["a link that is none", { settings: { link: "pigeon" } }, "SMP_BAD_SETTING", /^link must be one of/],
    [
      "an adapter that is none",
      { settings: { link: "ble", bleAdapter: "; ls" } },
      "SMP_BAD_SETTING",
      /^bleAdapter must/,
    ],
    ["too long a time", { settings: {}, seconds: 16 }, "SMP_BAD_INPUT", /^seconds must .* from 5 to 15, got 16/],
    ["devices on an IP network", { settings: { link: "udp" } }, "SMP_BAD_SETTING", /over udp/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { status, body: answer } = await scan(body);
      assert.equal(status, 400);
      assert.equal(answer.code, code);
      assert.match(answer.message!, message);
      assert.ok(answer.hint!.length > 10);
      assert.deepEqual(Object.keys(answer).toSorted(), ["code", "hint", "message"]);
    });
  }
});
