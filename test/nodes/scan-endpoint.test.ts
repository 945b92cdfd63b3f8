import assert from "node:assert/strict";
import type { AddressInfo, Server } from "node:net";
import { createServer, type RequestListener } from "node:http";
import { BleWorld, PassiveServer, until } from "../transport/ble-fixture";
import { pool, RunningFlow, tab } from "./flow";

interface Answer {
  readonly status: number;
  readonly body: {
    readonly devices?: { readonly device: string }[];
    readonly code?: string;
    readonly message?: string;
    readonly hint?: string;
  };
}

describe("the scan endpoint", () => {
  let flow: RunningFlow;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    let admin: RequestListener | undefined;
    flow = await RunningFlow.load([tab, pool()], (RED) => {
      admin = (RED as { httpAdmin: RequestListener }).httpAdmin;
    });
    server = createServer(admin).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/smp-dfu/scan`;
  });
  afterEach(async () => {
    await flow.end();
    await new Promise((resolve) => server.close(resolve));
  });

  const scan = async (body: unknown, signal?: AbortSignal): Promise<Answer> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  };

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

  describe("over Bluetooth LE", () => {
    let world: BleWorld;
    let environment: NodeJS.ProcessEnv;

    beforeEach(() => {
      world = new BleWorld();
      environment = { ...process.env };
      const { execArgv, env } = world.air.options();
      Object.assign(process.env, env, { NODE_OPTIONS: execArgv!.join(" ") });
    });
    afterEach(async () => {
      await world.close();
      for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
      Object.assign(process.env, environment);
    });

    it("looks once at a time through an adapter, and no longer than somebody waits", async () => {
      world.add(new PassiveServer());
      const settings = { link: "ble", bleAdapter: "21" };
      const controller = new AbortController();
      const first = scan({ settings, seconds: 15 }, controller.signal);
      await until(() => world.air.isScanning);
      const second = await scan({ settings, seconds: 5 });
      assert.deepEqual([second.status, second.body.code], [409, "SMP_BUSY"]);
      controller.abort();
      await assert.rejects(first, { name: "AbortError" });
      await until(() => !world.air.isScanning);
    });

    it("says what is the matter with the adapter", async () => {
      world.air.setAdapter("down");
      const { status, body } = await scan({ settings: { link: "ble", bleAdapter: "22" } });
      assert.deepEqual([status, body.code], [503, "SMP_LINK_OPEN"]);
      assert.match(body.message!, /hci22 is switched off/);
      assert.match(body.hint!, /rfkill/);
    });
  });
});
