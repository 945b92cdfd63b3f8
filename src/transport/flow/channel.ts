/**
 * The place where a pool's sessions meet the two ends of a flow: an outlet emits messages, an inlet takes what comes back.
 *
 *   session ─► FlowLink.send ─► turn ─► outlet ─► … the flow … ─► inlet ─► take() ─► FlowLink.frames ─► session
 *                                                                          │ an ack: the next turn · a failure: the request fails
 *                                                                          └ for nobody: counted, and thrown for the one who asked
 */
import { SmpError } from "../../errors";
import type { Envelope, EnvelopeFailure, PresenceEnvelope } from "../../framing/envelope";
import type { PayloadForm } from "../../framing/payload";
import { decodeHeader } from "../../smp/header";
import type { FoundDevice } from "../transport";
import { newCounters, type FlowCounters } from "./counters";
import { Feed } from "./feed";
import { FlowLink, type LinkChannel, type LinkFrame } from "./link";
import { factsOf, largestFrame, NO_INLET, NO_OUTLET, offline } from "./opening";
import { PresenceBoard } from "./presence";
import { SentRequests, type SentRequest } from "./requests";
import { FLOW_DEFAULTS, type FlowSettings } from "./settings";
import { foreignAnswer, mixedUpAnswer, namelessMessage, noAnswer, unknownDevice } from "./strays";

const REMEMBERED_DEVICES = 10_000;

/** What a gateway says of one frame, which may do better in another size or once more; with any other code the device is out of reach. */
const FRAME_CODES = ["SMP_TIMEOUT", "SMP_BAD_FRAME", "SMP_FRAME_TOO_LARGE"] as const;

/** A message that is to leave. */
export interface OutgoingFrame extends LinkFrame {
  /** Names the message; no other of any process bears it. */
  readonly id: string;
}

/** Where messages leave. */
export interface Outlet {
  /** In which frames leave, for their size. */
  readonly form: PayloadForm;
  emit(outgoing: OutgoingFrame): void;
}

/** What a message says of where it came from, beside its envelope. */
export interface Sender {
  readonly device?: string | undefined;
  readonly id?: string | undefined;
  /** Taken for the device's name where nothing else tells it. */
  readonly topic?: string | undefined;
}

type Content = Extract<Envelope, { kind: "frames" | "failure" }>;

/** Where the frames of all devices of a pool leave as messages, and where what comes back is led to their links. */
export class FlowChannel implements LinkChannel {
  readonly settings: FlowSettings;
  readonly #counters = newCounters();
  readonly #outlets = new Set<Outlet>();
  #inlets = 0;
  readonly #links = new Map<string, FlowLink>();
  /** Devices that were worked on: what comes for them later is late, not unknown. */
  readonly #formerDevices = new Set<string>();
  readonly #sent = new SentRequests();
  readonly #presence = new PresenceBoard();
  readonly #feed: Feed;
  readonly #watchers = new Set<() => void>();
  /** Parts of frames that closed links had. */
  #incomplete = 0;

  constructor(settings: Partial<FlowSettings> = {}) {
    this.settings = { ...FLOW_DEFAULTS, ...settings };
    this.#feed = new Feed(this.settings, () => this.#count("unacknowledged"));
  }

  get counters(): Readonly<FlowCounters> {
    const open = [...this.#links.values()].reduce((sum, link) => sum + link.incomplete, 0);
    return { ...this.#counters, incomplete: this.#incomplete + open };
  }

  /** Devices that are at work. */
  get devices(): string[] {
    return [...this.#links.keys()];
  }

  /** Messages that wait for their turn. */
  get waiting(): number {
    return this.#feed.waiting;
  }

  /** Tells that a counter has changed; the returned function ends it. */
  watch(listener: () => void): () => void {
    const watcher = (): void => listener();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** The returned function takes it away again. */
  addOutlet(outlet: Outlet): () => void {
    this.#outlets.add(outlet);
    return () => {
      this.#outlets.delete(outlet);
      if (this.#outlets.size > 0) return;
      for (const link of this.#links.values()) link.lose(NO_OUTLET.what, NO_OUTLET.hint);
    };
  }

  addInlet(): () => void {
    this.#inlets++;
    return () => void this.#inlets--;
  }

  /** @throws SMP_LINK_OPEN when there are not both ends or the device's gateway is gone; SMP_BAD_SETTING when messages are too small */
  open(device: string): FlowLink {
    const obstacle = this.#obstacle(device);
    if (obstacle) {
      throw new SmpError("SMP_LINK_OPEN", `flow:${device} does not open: ${obstacle.what}`, { hint: obstacle.hint });
    }
    const presence = this.#presence.device(device);
    const forms = Array.from(this.#outlets, ({ form }) => form);
    const frameBytes = largestFrame(device, this.settings.maxMessageBytes, forms, presence);
    const link = new FlowLink(this, device, frameBytes, factsOf(presence));
    this.#links.set(device, link);
    return link;
  }

  async send(link: FlowLink, frame: LinkFrame, signal: AbortSignal, onLeave = (): void => {}): Promise<void> {
    const id = this.#sent.newId();
    await this.#feed.enter(link, id, signal);
    this.#sent.add(id, frame.device, frame.seq);
    this.#count("sent");
    onLeave();
    for (const outlet of this.#outlets) outlet.emit({ ...frame, id });
  }

  closed(link: FlowLink, reason: SmpError): void {
    this.#incomplete += link.incomplete;
    if (this.#links.get(link.device) === link) this.#links.delete(link.device);
    this.#formerDevices.add(link.device);
    const [oldest] = this.#formerDevices;
    if (oldest !== undefined && this.#formerDevices.size > REMEMBERED_DEVICES) this.#formerDevices.delete(oldest);
    this.#feed.leave(link, reason);
  }

  /**
   * Takes what came back.
   * @param sender whose it is when the envelope does not say
   * @throws SMP_UNKNOWN_DEVICE, SMP_NO_SESSION (somebody else's) or SMP_BAD_FRAME for what is for nobody; the flow goes on
   */
  take(envelope: Envelope, sender: Sender = {}): void {
    if (envelope.kind === "presence") return this.#takePresence(envelope.presence);
    const { id = sender.id } = envelope;
    const { device = sender.device ?? (id === undefined ? sender.topic : undefined) } = envelope;
    if (envelope.kind === "ack") this.#takeAck(id);
    else this.#takeContent(envelope, device, id);
  }

  /** Counts a message that could not be read at all. */
  countGarbage(): void {
    this.#count("garbage");
  }

  /** Devices that gateways have told of. */
  found(): FoundDevice[] {
    return this.#presence.devices().map(({ device = "", gateway, state }) => ({
      device,
      address: `${gateway}/${device}`,
      name: device,
      ...(state === "unreachable" ? {} : { smp: true }),
    }));
  }

  #takeContent(content: Content, device: string | undefined, id: string | undefined): void {
    const request = id === undefined ? undefined : this.#requestOf(id, device);
    if (request === "late") return this.#count("late");
    const link = this.#linkTo(request?.device ?? device);
    if (link === "late") return this.#count("late");
    if (content.kind === "failure") this.#takeFailure(content.error, link, request);
    else for (const bytes of content.frames) this.#takeFrames(bytes, link, request);
  }

  /** Without an id it is for the last message. */
  #takeAck(id: string | undefined): void {
    this.#feed.settled(id);
    this.#count("acknowledged");
  }

  #takeFrames(bytes: Uint8Array, link: FlowLink, request: SentRequest | undefined): void {
    const { frames, garbage } = link.take(request?.id, bytes);
    for (const frame of frames) this.#takeFrame(frame, link, request);
    if (garbage) throw this.#stray("garbage", noAnswer(link.device, garbage));
    if (frames.length === 0) this.#tell();
  }

  #takeFrame(frame: Uint8Array, link: FlowLink, named: SentRequest | undefined): void {
    const last = this.#sent.findLast(link.device, decodeHeader(frame).seq);
    if (named && named !== last) return this.#count("late");
    const request = named ?? last;
    if (request?.isAnswered === true) return this.#count("repeated");
    if (request) {
      request.isAnswered = true;
      this.#feed.settled(request.id);
    }
    link.frames.push(frame);
    this.#count("received");
  }

  #takeFailure({ code, message, retryable }: EnvelopeFailure, link: FlowLink, request: SentRequest | undefined): void {
    const said = code === "" || message.includes(code) ? message : `${message} (${code})`;
    const ofFrame = request && FRAME_CODES.find((each) => each === code);
    const error = new SmpError(ofFrame ?? "SMP_UNREACHABLE", `the far end of ${link.label} says: ${said}`, {
      device: link.device,
      reason: message,
      retryable,
    });
    this.#feed.settled(request?.id);
    this.#count("failures");
    link.giveUp(request ? { seq: request.seq, error } : { error });
  }

  #takePresence(presence: PresenceEnvelope): void {
    this.#presence.note(presence);
    this.#count("presence");
    for (const [device, link] of this.#links) {
      const gone = this.#presence.offlineGateway(device);
      if (gone) link.lose(offline(gone).what, offline(gone).hint);
    }
  }

  #obstacle(device: string): { what: string; hint: string } | undefined {
    if (this.#outlets.size === 0) return NO_OUTLET;
    if (this.#inlets === 0) return NO_INLET;
    const gone = this.#presence.offlineGateway(device);
    return gone && offline(gone);
  }

  /** @throws SMP_NO_SESSION, SMP_BAD_FRAME */
  #requestOf(id: string, device: string | undefined): SentRequest | "late" {
    const request = this.#sent.find(id);
    if (!request && this.#sent.isOwn(id)) return "late";
    if (!request) throw this.#stray("foreign", foreignAnswer(id, device));
    if (device === undefined || device === request.device) return request;
    throw this.#stray("garbage", mixedUpAnswer(id, device, request.device));
  }

  /** @throws SMP_UNKNOWN_DEVICE */
  #linkTo(device: string | undefined): FlowLink | "late" {
    if (device === undefined) throw this.#stray("unknownDevice", namelessMessage());
    const link = this.#links.get(device);
    if (link) return link;
    if (this.#formerDevices.has(device)) return "late";
    throw this.#stray("unknownDevice", unknownDevice(device, this.devices));
  }

  #stray(counter: keyof FlowCounters, error: SmpError): SmpError {
    this.#count(counter);
    return error;
  }

  #count(counter: keyof FlowCounters): void {
    this.#counters[counter]++;
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
