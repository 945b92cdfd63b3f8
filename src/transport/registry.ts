/** All transports. Adding one is its file, its line here, and its run of the contract's test suite. */
import { bleTransport } from "./ble";
import { flowTransport } from "./flow";
import { serialTransport } from "./serial";
import { udpTransport } from "./udp";
import { virtualTransport } from "./virtual";

/** Scheme to what makes the transport; its argument is what a pool's settings must supply. */
export const TRANSPORTS = {
  virtual: virtualTransport,
  ble: bleTransport,
  serial: serialTransport,
  udp: udpTransport,
  flow: flowTransport,
} as const;

/** A kind of link. */
export type Scheme = keyof typeof TRANSPORTS;
