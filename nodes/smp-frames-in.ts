/** Where messages with SMP frames come back to their pool: answers, acknowledgements, failures, presence. */
import { inspect } from "node:util";
import {
  decodePayload,
  nowMs,
  PAYLOAD_FORMS,
  toSmpError,
  type Envelope,
  type FlowChannel,
  type Sender,
  type SmpError,
} from "../src/index";
import { oneOf, setting } from "./runtime/checks";
import { catchableError, catchShape, markFailed } from "./runtime/failure";
import { FlowEndNode } from "./runtime/flow-end";
import {
  recordOf,
  type Done,
  type FlowMessage,
  type FlowNode,
  type NodeAPI,
  type NodeDef,
  type Send,
} from "./runtime/red";

interface FramesInConfig extends NodeDef {
  readonly pool?: string;
  /** How frames stand in `msg.payload`; "auto" tells the forms apart. */
  readonly form?: unknown;
}

const FORMS = ["auto", ...PAYLOAD_FORMS] as const;
type Form = (typeof FORMS)[number];

/** Of several steering sides at one broker each gets the answers to all of them. */
const FOREIGN_TOLD_MIN = 10;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType("smp-frames-in", function (this: FlowNode, config: FramesInConfig) {
    RED.nodes.createNode(this, config);
    const end = new FlowEndNode(RED, this, config.pool, "the smp-frames-in node");
    const form = end.setting(() => oneOf(setting("form"), config.form ?? "auto", FORMS)) ?? "auto";
    end.takePart(
      (channel) => channel.addInlet(),
      ({ received, unknownDevice, foreign, garbage }) => {
        const strays = unknownDevice + foreign + garbage;
        return { text: end.words.own(strays > 0 ? "strays" : "received", { received, strays }), isOdd: strays > 0 };
      },
    );
    let foreignToldMs = -Infinity;
    const isTold = ({ code }: SmpError): boolean => {
      if (code !== "SMP_NO_SESSION") return true;
      if (nowMs() - foreignToldMs < FOREIGN_TOLD_MIN * 60_000) return false;
      foreignToldMs = nowMs();
      return true;
    };
    this.on("input", (msg, send, done) => {
      try {
        take(end.channel, msg, form);
        done();
      } catch (thrown) {
        const error = toSmpError(thrown);
        if (this.wires[0]?.length) return leave(this, msg, error, { send, done });
        if (!isTold(error)) return done();
        markFailed(msg, error, CONTEXT);
        done(catchableError(error));
      }
    });
  });
}

/** @throws why the message is for nobody */
function take(channel: FlowChannel, msg: FlowMessage, form: Form): void {
  channel.take(envelopeOf(channel, msg, form), senderOf(msg));
}

function envelopeOf(channel: FlowChannel, msg: FlowMessage, form: Form): Envelope {
  if (recordOf(msg.smp)["ack"] === true) return { kind: "ack" };
  const error = failureOf(msg["error"]);
  if (error) return { kind: "failure", error };
  try {
    return decodePayload(msg.payload, form);
  } catch (thrown) {
    channel.countGarbage();
    throw thrown;
  }
}

/** `msg.error` as a Catch node, a switch or a person sets it. */
function failureOf(error: unknown): Extract<Envelope, { kind: "failure" }>["error"] | undefined {
  if (error === undefined || error === null || error === "") return undefined;
  const { message, code, retryable } = recordOf(error);
  const said = typeof error === "string" ? error : message;
  return {
    code: typeof code === "string" ? code : "",
    message: typeof said === "string" && said !== "" ? said : inspect(error, { depth: 1 }).slice(0, 200),
    retryable: retryable !== false,
  };
}

/** What the message says beside its envelope. */
function senderOf(msg: FlowMessage): Sender {
  const { device, id } = recordOf(msg.smp);
  return { device: textOf(device), id: textOf(id), topic: textOf(msg.topic) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

const CONTEXT = { phase: "frames-in", device: undefined };

function leave(node: FlowNode, msg: FlowMessage, error: SmpError, { send, done }: { send: Send; done: Done }): void {
  markFailed(msg, error, CONTEXT);
  send([Object.assign(msg, { error: catchShape(error, node) })]);
  done();
}
