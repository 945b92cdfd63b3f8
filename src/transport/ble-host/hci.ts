/* oxlint-disable no-underscore-dangle -- noble's own names for its insides */
/** What both forks have inside where they speak HCI themselves (Linux); noble offers no other way to any of it. */
import type { EventEmitter } from "node:events";
import type { ConnectionParameters, LinkLayerEvent } from "./noble";

/** Units as noble's HCI layer tells them: milliseconds. */
export interface Hci extends EventEmitter {
  readLeBufferSize(): void;
}

export interface Bindings {
  readonly _hci?: Hci | null;
  readonly _gap?: { readonly _discoveries?: Record<string, unknown> } | null;
  /** ACL handles to peripheral ids and back. */
  readonly _handles?: Record<number | string, string | number>;
  readonly _addresses?: Record<string, string>;
  readonly _addresseTypes?: Record<string, string>;
  readonly _connectable?: Record<string, unknown>;
  readonly scannable?: Record<string, unknown>;
}

const ATT_CHANNEL = 4;
const SECURITY_CHANNEL = 6;
const ATT_ERROR_RESPONSE = 0x01;
const PAIRING_FAILED = 0x05;

/** Tells of errors and parameters that noble does not pass on. */
export function tap(bindings: Bindings, tell: (id: string, event: LinkLayerEvent) => void): void {
  const hci = bindings._hci;
  if (!hci) return;
  hci.on("aclDataPkt", (handle: number, channel: number, data: Buffer) => {
    const id = bindings._handles?.[handle];
    const event = eventOf(channel, data);
    if (typeof id === "string" && event) tell(id, event);
  });
  hci.on("leConnComplete", (status: number, ...[, , , address, intervalMs, , timeoutMs]: unknown[]) => {
    if (status === 0) tell(idOf(String(address)), parameters(intervalMs, timeoutMs));
  });
  hci.on("leConnUpdateComplete", (status: number, handle: number, intervalMs: number, ...[, timeoutMs]: unknown[]) => {
    const id = bindings._handles?.[handle];
    if (status === 0 && typeof id === "string") tell(id, parameters(intervalMs, timeoutMs));
  });
}

/** Removes a peripheral from the tables that otherwise grow with every address that is ever seen. */
export function forgetAddress(bindings: Bindings, id: string): void {
  const address = bindings._addresses?.[id];
  if (address !== undefined) delete bindings._gap?._discoveries?.[address];
  for (const table of [bindings._addresses, bindings._addresseTypes, bindings._connectable, bindings.scannable]) {
    if (table) delete table[id];
  }
}

function eventOf(channel: number, data: Buffer): LinkLayerEvent | undefined {
  if (channel === ATT_CHANNEL && data[0] === ATT_ERROR_RESPONSE && data.length >= 5) {
    return { type: "att-error", request: data[1]!, code: data[4]! };
  }
  if (channel === SECURITY_CHANNEL && data[0] === PAIRING_FAILED && data.length >= 2) {
    return { type: "pairing-failed", reason: data[1]! };
  }
  return undefined;
}

function parameters(intervalMs: unknown, supervisionTimeoutMs: unknown): ConnectionParameters {
  return { type: "parameters", intervalMs: Number(intervalMs), supervisionTimeoutMs: Number(supervisionTimeoutMs) };
}

function idOf(address: string): string {
  return address.replaceAll(":", "").toLowerCase();
}
