import { flowTransport } from "../../../src/transport/flow";
import { PAYLOAD_FORMS } from "../../../src/framing/payload";
import { presenceEnvelope } from "../../../src/framing/envelope";
import { transportContract, type FarEnd, type TransportFixture } from "../contract";
import { joined } from "./channel";

for (const form of PAYLOAD_FORMS) {
  transportContract(`flow, ${form}`, (): TransportFixture<string> => {
    const received = new Map<string, Uint8Array[]>();
    const { channel } = joined({}, ({ device, frame }) => received.get(device)!.push(frame), form);
    const transport = flowTransport(channel);
    const tell = (gateway: string, state: string, device?: string): void =>
      channel.take({
        kind: "presence",
        presence: presenceEnvelope({ gateway, state, ...(device !== undefined && { device }) }),
      });
    for (const number of [1, 2, 3]) {
      received.set(`sensor-${number}`, []);
      tell(`gw-${number}`, "reachable", `sensor-${number}`);
    }
    tell("gw-3", "offline");
    return {
      transport,
      present: ["sensor-1", "sensor-2"],
      missing: "sensor-3",
      bad: ["   ", Buffer.from("sensor-1"), ["sensor-1"], { name: "sensor-1" }],
      farEnd: (device): FarEnd => ({
        received: received.get(String(device))!,
        send: (frame) => channel.take({ kind: "frames", device: String(device), frames: [frame] }),
        vanish: () => {
          const gateway = device === "sensor-1" ? "gw-1" : "gw-2";
          tell(gateway, "offline");
          tell(gateway, "online");
        },
      }),
      openLinks: () => channel.devices.length,
      close: async () => {},
    };
  });
}
