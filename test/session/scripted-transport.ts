import { SmpError } from "../../src/errors";
import { createPool, type PoolOptions } from "../../src/session/pool";
import type { Operation, SessionPool } from "../../src/session/types";
import type { Transport } from "../../src/transport/transport";
import { ScriptedLink, type Script, zephyr } from "./scripted-link";

/** Devices in memory, one per text; opening and answers can be changed per test. */
export class ScriptedTransport implements Transport<string> {
  readonly scheme = "scripted";
  /** Every link that was opened, oldest first. */
  readonly links: { readonly name: string; readonly link: ScriptedLink }[] = [];
  /** Names whose opening began, oldest first. */
  readonly attempts: string[] = [];
  script: Script = zephyr;
  /** Passes before a link is there; rejects to refuse. */
  opening: (name: string, signal: AbortSignal) => Promise<void> = async () => {};
  /** Passes before a link is closed. */
  closing: () => Promise<void> = async () => {};

  parse(address: unknown): string {
    if (typeof address === "string") return address;
    throw new SmpError("SMP_BAD_INPUT", "the device must be text", { field: "device" });
  }

  key(address: string): string {
    return address;
  }

  async open(name: string, signal: AbortSignal): Promise<ScriptedLink> {
    this.attempts.push(name);
    await this.opening(name, signal);
    const link = new ScriptedLink((request, far) => this.script(request, far));
    const close = link.close.bind(link);
    link.close = async () => {
      await this.closing();
      await close();
    };
    this.links.push({ name, link });
    return link;
  }

  /** The link of this device that was opened last. */
  link(name: string): ScriptedLink {
    const found = this.links.findLast((entry) => entry.name === name);
    if (!found) throw new Error(`${name} was never opened`);
    return found.link;
  }

  /** Devices with a link that nobody closed, in the order of opening. */
  get stillOpen(): string[] {
    return this.links.filter(({ link }) => link.closes === 0).map(({ name }) => name);
  }
}

export function makePool(options: PoolOptions = {}): { transport: ScriptedTransport; pool: SessionPool } {
  const transport = new ScriptedTransport();
  return { transport, pool: createPool(transport, options) };
}

export const operation = (name: string, more: Partial<Operation> = {}): Operation => ({ name, ...more });

/** Work that goes on until the test ends it. */
export class Gate {
  readonly passed: Promise<void>;
  open: () => void = () => {};
  fail: (error: unknown) => void = () => {};

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}
