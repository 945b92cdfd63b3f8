/** The flows of the two sides, joined by nothing but a broker. */
import type { FlowNode } from "../node-red";

/** What lies between a steering side and the broker, both ways. */
export interface Faults {
  /** Of a hundred messages. */
  readonly lostPercent?: number;
  readonly doubledPercent?: number;
  /** Held back, so that the next ones overtake it. */
  readonly reorderedPercent?: number;
  /** Each request waits this long, drawn anew for each. */
  readonly delayMs?: readonly [number, number];
}

/** A way to the devices: a pool whose link is the flow, and all that belongs to it. */
export interface Line extends Faults {
  readonly name: string;
  readonly pool?: object;
}

/** A node on a tab of its own. */
const on =
  (tab: string) =>
  (id: string, type: string, properties: object = {}, ...wires: string[][]): FlowNode => ({
    id: `${tab}-${id}`,
    type,
    z: tab,
    x: 100,
    y: 100,
    name: "the broker",
    wires: wires.map((ends) => ends.map((end) => `${tab}-${end}`)),
    ...properties,
  });

function brokerNode(id: string, port: number, last: object = {}): FlowNode {
  return {
    id,
    type: "mqtt-broker",
    name: "the broker",
    broker: "127.0.0.1",
    port: String(port),
    clientid: "",
    autoConnect: true,
    usetls: false,
    protocolVersion: "4",
    keepalive: "5",
    cleansession: true,
    ...last,
  };
}

const mqttIn = (topic: string): object => ({ topic, qos: "1", datatype: "auto-detect", broker: "broker", inputs: 0 });
const mqttOut = { topic: "", qos: "1", retain: "", broker: "broker" };

/** Devices are named after their gateway: "a-1" is behind the gateway "a". */
const ADDRESSED = 'msg.topic = "smp/v1/" + msg.payload.device.split("-")[0] + "/request";';

function faultCode({ lostPercent = 0, doubledPercent = 0, reorderedPercent = 0, delayMs = [0, 0] }: Faults): string {
  return `
    const chance = (percent) => Math.random() * 100 < percent;
    if (chance(${lostPercent})) return null;
    const pass = () => {
      const heldBackMs = chance(${reorderedPercent}) ? 300 : 0;
      const delayMs = ${delayMs[0]} + Math.random() * ${delayMs[1] - delayMs[0]} + heldBackMs;
      if (delayMs === 0) node.send(RED.util.cloneMessage(msg));
      else setTimeout(() => node.send(RED.util.cloneMessage(msg)), delayMs);
    };
    pass();
    if (chance(${doubledPercent})) pass();
    return null;`;
}

const fn = (func: string): object => ({ func, outputs: 1, initialize: "", finalize: "", libs: [] });

function lineFlow(line: Line): FlowNode[] {
  const { name, pool: settings } = line;
  const node = on(name);
  const pool = `${name}-pool`;
  const updating = { firmware: "firmware", firmwareType: "msg", image: "0", imageType: "num" };
  const wanted = {
    hash: "smp.firmware.hash",
    hashType: "msg",
    image: "smp.firmware.image",
    imageType: "msg",
  };
  return [
    { id: name, type: "tab", label: name },
    { id: pool, type: "smp-pool", name, link: "flow", maxSessions: 20, ...settings },
    node("frames out", "smp-frames-out", { pool, form: "envelope" }, ["away"]),
    node("away", "function", fn(ADDRESSED + faultCode(line)), ["requests"]),
    node("requests", "mqtt out", mqttOut),
    node("responses", "mqtt in", mqttIn("smp/v1/+/response"), ["back"]),
    node("back", "function", fn(faultCode({ ...line, delayMs: [0, 0] })), ["frames in"]),
    node("gateways", "mqtt in", mqttIn("smp/v1/+/presence"), ["frames in"]),
    node("devices", "mqtt in", mqttIn("smp/v1/+/device/+/presence"), ["frames in"]),
    // The answers to the other lines come here too; they are counted.
    node("frames in", "smp-frames-in", { pool, form: "auto" }, ["strays"]),
    node("strays", "debug", { active: false }),
    node("update", "http in", { url: `/${name}`, method: "post" }, ["job"]),
    node("job", "function", fn("msg.device = msg.payload.device; msg.firmware = msg.payload.firmware; return msg;"), [
      "connect",
    ]),
    node("connect", "smp-connect", { pool, device: "device", deviceType: "msg" }, ["state"], ["failed"]),
    node("state", "smp-image-state", updating, ["upload"], ["done"], ["failed"]),
    node("upload", "smp-upload", { ...updating, window: "" }, ["test"], ["progress"], ["failed"]),
    node("test", "smp-test", wanted, ["reset"], ["failed"]),
    node("reset", "smp-reset", { waitS: 60 }, ["confirm"], [], ["failed"]),
    node("confirm", "smp-confirm", wanted, ["done"], ["failed"]),
    node("progress", "debug", {
      active: true,
      tosidebar: false,
      console: true,
      complete: 'smp.device & " at " & smp.off',
      targetType: "jsonata",
    }),
    node("done", "function", fn("msg.payload = { images: msg.payload, verdict: msg.smp.verdict }; return msg;"), [
      "answer",
    ]),
    node("failed", "function", fn("msg.payload = { error: msg.smp.error }; return msg;"), ["answer"]),
    node("answer", "http response", { statusCode: "200", headers: {} }),
  ];
}

export function steeringFlow(brokerPort: number, lines: readonly Line[]): FlowNode[] {
  return [brokerNode("broker", brokerPort), ...lines.flatMap(lineFlow)];
}

/** @param pool settings of the local pool @param devices as in the gateway's form */
export function gatewayFlow(brokerPort: number, name: string, pool: object, devices: string): FlowNode[] {
  const node = on("gate");
  const state = (value: string): string => JSON.stringify({ v: 1, gateway: name, state: value });
  const presence = `smp/v1/${name}/presence`;
  const last = {
    birthTopic: presence,
    birthRetain: "true",
    birthQos: "1",
    birthPayload: state("online"),
    closeTopic: presence,
    closeRetain: "true",
    closeQos: "1",
    closePayload: state("offline"),
    willTopic: presence,
    willRetain: "true",
    willQos: "1",
    willPayload: state("offline"),
  };
  return [
    brokerNode("broker", brokerPort, last),
    { id: "gate", type: "tab", label: "gateway" },
    { id: "pool", type: "smp-pool", name: "local", maxSessions: 20, ...pool },
    node("requests", "mqtt in", mqttIn(`smp/v1/${name}/request`), ["gateway"]),
    node("gateway", "smp-gateway", { pool: "pool", gateway: name, devices }, ["out"], ["out"], ["errors"]),
    node("out", "mqtt out", mqttOut),
    node("errors", "debug", { active: true, tosidebar: false, console: true, complete: "error", targetType: "msg" }),
    node("look", "http in", { url: "/state/:device", method: "get" }, ["which"]),
    node("which", "function", fn("msg.device = msg.req.params.device; return msg;"), ["connect"]),
    node("connect", "smp-connect", { pool: "pool", device: "device", deviceType: "msg" }, ["state"]),
    node("state", "smp-image-state", { firmware: "", firmwareType: "none" }, ["answer"]),
    node("answer", "http response", { statusCode: "200", headers: {} }),
    node("any error", "catch", { scope: ["gate-connect", "gate-state"] }, ["failed"]),
    node("failed", "http response", { statusCode: "500", headers: {} }),
  ];
}
