/** The shipped examples, run as a user runs them: buttons are pressed, the debug sidebar is read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runExample, type ExampleRun } from "./example-run";
import { exampleFiles, packageDir, readExample } from "./node-red";

const largeImage = join(packageDir, "test/images/ed25519-large-4.0.0.bin");
const CORE_TYPES = ["tab", "comment", "inject", "debug", "catch", "change", "switch", "delay", "split", "join"];
const LINK_TYPES = ["link in", "link out", "link call"];
const NETWORK_TYPES = ["mqtt in", "mqtt out", "mqtt-broker", "http in", "http request", "http response", "status"];

describe("examples", function () {
  this.timeout(60_000);
  let run: ExampleRun;

  afterEach(async () => {
    await run?.end();
  });

  describe("01 - One device, step by step", () => {
    const file = "01 - One device, step by step.json";

    it("goes from 1.0.0 to 1.5.0, confirmed, one button per step", async () => {
      run = await runExample(file);
      run.press("1 what runs?");
      assert.deepEqual(await run.see("slots"), ["slot 0: 1.0.0 active confirmed"]);
      run.press("2 upload 1.5.0");
      const uploaded = (await run.see("uploaded")) as { outcome: string; sentBytes: number };
      assert.equal(uploaded.outcome, "uploaded");
      run.press("3 test 1.5.0");
      assert.deepEqual(await run.see("slots", 2), ["slot 0: 1.0.0 active confirmed", "slot 1: 1.5.0 pending"]);
      run.press("4 reset");
      assert.equal(await run.see("after the reset"), "sensor-1 runs 1.5.0, on trial");
      run.press("5 confirm 1.5.0");
      assert.equal(await run.see("confirmed"), "sensor-1 runs 1.5.0, confirmed");
      run.press("5 confirm 1.5.0");
      assert.equal(await run.see("already up to date"), "sensor-1 runs 1.5.0, confirmed");
      run.press("6 disconnect");
      assert.deepEqual(await run.see("closed"), { device: "sensor-1", link: "closed" });
      assert.deepEqual(run.entries("error"), []);
    });

    it("shows why a step in the wrong order is refused, and what to do", async () => {
      run = await runExample(file);
      run.press("3 test 1.5.0");
      const error = (await run.see("error")) as { code: string; hint: string };
      assert.equal(error.code, "SMP_NOT_IN_SLOT");
      assert.match(error.hint, /[Uu]pload/);
    });

    it("reverts the trial when the device is reset before the confirmation", async () => {
      run = await runExample(file);
      run.press("2 upload 1.5.0");
      await run.see("uploaded");
      run.press("3 test 1.5.0");
      await run.see("slots");
      run.press("4 reset");
      await run.see("after the reset");
      run.press("4 reset");
      assert.equal(await run.see("after the reset", 2), "sensor-1 runs 1.0.0, confirmed");
    });
  });

  describe("02 - Whole update with progress and errors", () => {
    const file = "02 - Whole update with progress and errors.json";

    it("confirms 1.5.0, and takes the way out when it is pressed again", async () => {
      run = await runExample(file);
      run.press("update to 1.5.0");
      assert.equal(await run.see("confirmed"), "sensor-1 runs 1.5.0, confirmed");
      run.press("update to 1.5.0");
      assert.equal(await run.see("already up to date"), "sensor-1 runs 1.5.0, confirmed");
      assert.deepEqual(
        run.shown.map(({ by }) => by),
        ["confirmed", "already up to date"],
      );
    });

    it("shows the progress of upload and reset as text under a node, up to 100 %", async () => {
      run = await runExample(file);
      run.press("update to 1.5.0");
      await run.see("confirmed");
      const texts = run.statuses("progress");
      assert.ok(
        texts.some((text) => text.endsWith(" 100 %")),
        texts.join(", "),
      );
    });

    it("shows an error of any node in one place", async () => {
      run = await runExample(file, (node) => {
        if (node.name === "update to 1.5.0") node["props"] = [{ p: "firmware", v: __filename, vt: "str" }];
      });
      run.press("update to 1.5.0");
      const error = (await run.see("error")) as { code: string; message: string; hint: string };
      assert.equal(error.code, "SMP_BAD_IMAGE");
      assert.ok(error.message.includes("examples.test.ts"), error.message);
      assert.deepEqual(run.entries("confirmed"), []);
    });

    it("stops a running upload at the press of a button, and can be started again", async () => {
      run = await runExample(file, (node) => {
        if (node.name === "update to 1.5.0") node["props"] = [{ p: "firmware", v: largeImage, vt: "str" }];
      });
      run.press("update to 1.5.0");
      await run.progress("uploading");
      run.press("stop");
      assert.equal(((await run.see("error")) as { code: string }).code, "SMP_ABORTED");
      run.press("update to 1.5.0");
      await run.progress("uploading");
      assert.equal(run.entries("error").length, 1);
    });
  });

  describe("03 - Trial that fails its health check", () => {
    const file = "03 - Trial that fails its health check.json";

    it("tells that the old firmware is back, and confirm refuses it", async () => {
      run = await runExample(file);
      run.press("try 1.5.0");
      assert.equal(await run.see("verdict"), "1.5.0 failed its trial: sensor-1 runs 1.0.0 again");
      const refused = (await run.see("confirm refuses")) as { code: string };
      assert.equal(refused.code, "SMP_WRONG_IMAGE");
      assert.deepEqual([...run.entries("confirmed"), ...run.entries("error")], []);
    });

    it("tells the same when the trial crashed before the device was seen again", async () => {
      run = await runExample(file, (node) => {
        if (node.type === "smp-pool") node["pace"] = "instant";
      });
      run.press("try 1.5.0");
      const error = (await run.see("error")) as { code: string; verdict: string };
      assert.deepEqual([error.code, error.verdict], ["SMP_REVERTED", "reverted"]);
      assert.deepEqual(run.entries("confirmed"), []);
    });

    it("confirms the image when the trial stays alive", async () => {
      run = await runExample(file, (node) => {
        if (node.type === "smp-pool") node["devices"] = [{ name: "sensor-1", trial: "healthy" }];
        if (node.type === "delay") node["timeout"] = "0.1";
      });
      run.press("try 1.5.0");
      assert.equal(await run.see("confirmed"), "sensor-1 runs 1.5.0, confirmed");
      assert.deepEqual(run.entries("verdict"), []);
    });
  });

  describe("04 - Several devices", () => {
    const file = "04 - Several devices.json";

    it("updates three devices one after the other", async () => {
      run = await runExample(file);
      run.press("sensors 1 to 3");
      await run.see("this device", 3);
      assert.deepEqual(run.entries("this device"), [
        "sensor-1: 1.5.0 confirmed",
        "sensor-2: 1.5.0 confirmed",
        "sensor-3: 1.5.0 confirmed",
      ]);
    });

    it("updates three devices side by side and gives one answer", async () => {
      run = await runExample(file);
      run.press("sensors 4 to 6");
      assert.deepEqual(await run.see("all devices"), [
        "sensor-4: 1.5.0 confirmed",
        "sensor-5: 1.5.0 confirmed",
        "sensor-6: 1.5.0 confirmed",
      ]);
      run.press("sensors 4 to 6");
      assert.deepEqual(await run.see("all devices", 2), [
        "sensor-4: already runs 1.5.0",
        "sensor-5: already runs 1.5.0",
        "sensor-6: already runs 1.5.0",
      ]);
    });

    it("goes on with the others when one device fails", async () => {
      run = await runExample(file, (node) => {
        if (node.type === "smp-pool")
          node["devices"] = [1, 3, 4, 5, 6].map((n) => ({ name: `sensor-${n}`, trial: "healthy" }));
      });
      run.press("sensors 1 to 3");
      await run.see("this device", 3);
      const [first, second, third] = run.entries("this device");
      assert.equal(first, "sensor-1: 1.5.0 confirmed");
      assert.match(String(second), /^sensor-2: SMP_UNKNOWN_DEVICE, .*sensor-2/);
      assert.equal(third, "sensor-3: 1.5.0 confirmed");
    });
  });

  describe("05 - Discover devices", () => {
    const file = "05 - Discover devices.json";

    it("tells what runs on each device of a name", async () => {
      run = await runExample(file);
      run.press("what runs on the sensors?");
      await run.see("runs", 2);
      assert.deepEqual(new Set(run.entries("runs")), new Set(["sensor-1 runs 1.0.0", "sensor-2 runs 1.0.0"]));
    });

    it("lists all devices in one message", async () => {
      run = await runExample(file);
      run.press("which devices are there?");
      assert.deepEqual(await run.see("devices"), ["sensor-1", "sensor-2", "pump-1"]);
    });

    it("shows why a pool cannot look for devices", async () => {
      run = await runExample(file, (node) => {
        if (node.type === "smp-pool") node["link"] = "udp";
      });
      run.press("which devices are there?");
      assert.equal(((await run.see("error")) as { code: string }).code, "SMP_BAD_SETTING");
    });
  });

  describe("06 - Steering and gateway, joined by links", () => {
    const file = "06 - Steering and gateway, joined by links.json";

    it("updates two devices through the gateway, and tells who is reachable", async () => {
      run = await runExample(file);
      run.press("update sensor-1");
      run.press("update sensor-2");
      await run.see("confirmed", 2);
      assert.deepEqual(
        new Set(run.entries("confirmed")),
        new Set(["sensor-1 runs 1.5.0, confirmed", "sensor-2 runs 1.5.0, confirmed"]),
      );
      const presence = run.entries("presence");
      for (const told of ["gateway-1 online", "sensor-1 open", "sensor-2 open"])
        assert.ok(presence.includes(told), told);
      for (const none of ["error", "no request", "messages for nobody"]) assert.deepEqual(run.entries(none), []);
    });

    it("shows what the gateway says of a device that it does not have", async () => {
      run = await runExample(file, (node) => {
        if (node.name === "update sensor-2") node["props"] = [{ p: "device", v: "sensor-9", vt: "str" }];
      });
      run.press("update sensor-2");
      const error = (await run.see("error")) as { code: string; message: string };
      assert.equal(error.code, "SMP_UNREACHABLE");
      assert.match(error.message, /no virtual device "sensor-9"/);
    });
  });

  for (const file of exampleFiles) {
    it(`${file} needs nothing but Node-RED's own nodes, and says what it shows`, () => {
      const flow = readExample(file);
      const foreign = flow
        .map(({ type }) => type)
        .filter((type) => !type.startsWith("smp-") && ![...CORE_TYPES, ...LINK_TYPES, ...NETWORK_TYPES].includes(type));
      assert.deepEqual(foreign, []);
      const ids = flow.map(({ id }) => id);
      assert.equal(new Set(ids).size, ids.length, "each id once");
      const ends = flow.flatMap(({ wires = [] }) => wires.flat());
      assert.deepEqual(
        ends.filter((id) => !ids.includes(id)),
        [],
      );
      assert.ok(flow.some(({ type, info }) => type === "comment" && String(info).length > 100));
      const hasGateway = flow.some(({ type }) => type === "smp-gateway");
      assert.equal(flow.filter(({ type }) => type === "smp-pool").length, hasGateway ? 2 : 1);
    });
  }

  it("show every node type of the package", () => {
    const shown = new Set(exampleFiles.flatMap((file) => readExample(file).map(({ type }) => type)));
    for (const type of [
      "smp-discover",
      "smp-connect",
      "smp-update",
      "smp-image-state",
      "smp-upload",
      "smp-test",
      "smp-reset",
      "smp-confirm",
      "smp-request",
      "smp-frames-out",
      "smp-frames-in",
      "smp-gateway",
    ])
      assert.ok(shown.has(type), type);
  });
});
