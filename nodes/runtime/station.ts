/** The gateway of a node: plays requests, and tells who is reachable. */
import {
  AllowList,
  failureEnvelope,
  Gateway,
  gatewayTopics,
  Pieces,
  Presence,
  replyPayloads,
  SmpError,
  toSmpError,
  type GatewayTopics,
  type PresenceEnvelope,
  type ServedDevice,
} from "../../src/index";
import { linesOf, nonEmptyText, optionalNumber, setting } from "./checks";
import { readRequest, type GatewayRequest } from "./gateway-request";
import type { Job, Outcome } from "./job";
import type { PoolNode } from "./pool";
import type { NodeMessage } from "./red";

export interface StationConfig {
  readonly gateway?: unknown;
  /** One device per line: a name, or `name = address`. */
  readonly devices?: unknown;
  readonly allow?: unknown;
  /** Bytes of the largest payload; "" for no limit. */
  readonly maxMessageBytes?: unknown;
}

const MESSAGE_BYTES = [128, 16_777_216] as const;
const NO_DEVICES = "";

export class Station {
  readonly topics: GatewayTopics;
  readonly #pool: PoolNode;
  readonly #gateway: Gateway;
  readonly #presence: Presence;
  readonly #pieces = new Pieces();
  readonly #maxMessageBytes: number;

  /**
   * @param tell gets each presence message
   * @throws SMP_BAD_SETTING naming the setting at fault, also of the pool
   */
  constructor(pool: PoolNode, config: StationConfig, tell: (message: NodeMessage) => void) {
    const name = nonEmptyText(setting("gateway"), config.gateway);
    const devices = readDevices(config.devices);
    this.topics = gatewayTopics(name);
    this.#pool = pool;
    this.#maxMessageBytes =
      optionalNumber(setting("maxMessageBytes"), config.maxMessageBytes, MESSAGE_BYTES) ?? Infinity;
    const sessions = pool.sessions();
    this.#gateway = new Gateway(sessions, {
      devices,
      allow: new AllowList(typeof config.allow === "string" ? config.allow : undefined),
      onOpen: (device, session) => this.#presence.follow(device, this.#gateway.addressOf(device), session),
    });
    this.#presence = new Presence({
      gateway: name,
      pool: sessions,
      onChange: (device, presence) => tell(this.#deviceMessage(device, presence)),
    });
    for (const { name: device } of devices ?? []) this.#follow(device);
  }

  /** Devices with an open link, of those that are known. */
  get openCount(): number {
    return this.#presence.ofDevices().filter(({ presence }) => presence.state === "open").length;
  }

  /** Everything that is to be known, from the gateway on. */
  announcement(): NodeMessage[] {
    const born = { topic: this.topics.presence, payload: this.#presence.ofGateway("online", new Date()), ...RETAINED };
    return [born, ...this.#presence.ofDevices().map(({ device, presence }) => this.#deviceMessage(device, presence))];
  }

  /** Plays what a message asks for. @throws what is wrong with the message itself */
  async play(job: Job): Promise<Outcome | undefined> {
    const request = readRequest(job.msg);
    if (!request) return undefined;
    const { device, id = "", form } = request;
    if (form === "envelope") job.msg.topic = this.topics.response;
    const frames = request.bytes.flatMap((bytes) => this.#pieces.take(`${device} ${id}`, bytes));
    const replies = (await Promise.all(frames.map((frame) => this.#replies(job, request, frame)))).flat();
    const last = replies.pop();
    const smp = { pool: this.#pool.id, device, link: this.#pool.link };
    for (const payload of replies) job.sendAlong(0, { payload, smp });
    return last === undefined ? undefined : { payload: last, smp };
  }

  close(): void {
    this.#presence.close();
    this.#gateway.close();
  }

  async #replies(job: Job, request: GatewayRequest, frame: Uint8Array): Promise<unknown[]> {
    const { device, id, form, withinMs } = request;
    try {
      const answer = await this.#gateway.play({ device, id, frame, withinMs }, job.signal);
      return replyPayloads({ form, device, id }, answer, this.#maxMessageBytes);
    } catch (thrown) {
      const error = toSmpError(thrown);
      // Bare frames have no form for it.
      if (form !== "envelope" || job.signal.aborted) throw error;
      // That nobody answers is news of the device, also when it never was open.
      this.#follow(device);
      return [failureEnvelope(device, id, error)];
    }
  }

  #follow(device: string): void {
    try {
      this.#presence.follow(device, this.#gateway.addressOf(device));
    } catch {
      // Neither the gateway nor the pool knows it; whoever asks for it is told.
    }
  }

  #deviceMessage(device: string, presence: PresenceEnvelope): NodeMessage {
    return { topic: this.topics.device(device), payload: presence, ...RETAINED };
  }
}

/** For the node mqtt out. */
const RETAINED = { retain: true, qos: 1 };

/** Undefined for any. @throws SMP_BAD_SETTING */
function readDevices(list: unknown): ServedDevice[] | undefined {
  const lines = linesOf(String(list ?? NO_DEVICES));
  if (lines.length === 0) return undefined;
  const devices = lines.map((line) => {
    const [name = "", ...address] = line.split("=").map((part) => part.trim());
    return { name, ...(address.length > 0 && { address: address.join("=") }) };
  });
  const names = new Set(devices.map(({ name }) => name));
  const isWrong = devices.some(({ name, address }) => name === "" || address === "");
  if (!isWrong && names.size === devices.length) return devices;
  const said = isWrong ? "a line without a name or an address" : "a name twice";
  throw new SmpError("SMP_BAD_SETTING", `the gateway's list of devices has ${said}`, {
    field: "devices",
    hint: "Write one device per line: a name, or name = address.",
  });
}
