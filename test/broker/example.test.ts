import { BrokerProcess } from "./broker-process";
import { updateOverMqtt } from "./example-over-mqtt";

describe("example 07 - Steering and gateway over MQTT", function () {
  this.timeout(120_000);
  let broker: BrokerProcess;

  before(async () => {
    broker = await BrokerProcess.start();
  });

  after(() => broker?.kill());

  it("updates a device, and tells who is reachable", async () => {
    // Aedes knows no MQTT 5; Mosquitto in test/interop does.
    await updateOverMqtt(broker.port, { protocolVersion: "4" });
  });
});
