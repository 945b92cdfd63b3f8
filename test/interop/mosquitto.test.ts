/** An update through the broker that most people have. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { updateOverMqtt } from "../broker/example-over-mqtt";
import { freePort } from "../free-port";

describe("Mosquitto", function () {
  this.timeout(120_000);
  let folder: string;
  let port: number;
  let broker: ChildProcess;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "smp-mosquitto-"));
    port = await freePort();
    const settings = join(folder, "mosquitto.conf");
    writeFileSync(settings, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
    broker = spawn("mosquitto", ["-c", settings], { stdio: "ignore" });
    await once(broker, "spawn");
  });

  after(async () => {
    if (broker?.exitCode === null) {
      const ended = once(broker, "exit");
      broker.kill();
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  it("carries the update of a device, with retained presence and a last will", async () => {
    await updateOverMqtt(port);
  });
});
