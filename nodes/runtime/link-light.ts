import { toSmpError, type DeviceStatus } from "../../src/index";
import type { Runner } from "./node";
import type { PoolNode, Target } from "./pool";
import type { FlowNode } from "./red";

/** What a connect node shows while it does nothing: whether the devices that it was asked for are connected. */
export class LinkLight {
  readonly #runner: Runner;
  /** By the pool's key of the device. */
  readonly #devices = new Map<string, DeviceStatus | undefined>();
  #unwatch: (() => void) | undefined;

  constructor(node: FlowNode, runner: Runner) {
    this.#runner = runner;
    node.on("close", () => this.#unwatch?.());
  }

  /** Shows the device's link from now on. */
  follow({ pool, device }: Target): void {
    const sessions = pool.sessions();
    this.#unwatch ??= sessions.watch((status) => {
      if (!this.#devices.has(status.key)) return;
      this.#devices.set(status.key, status);
      this.#show();
    });
    const key = sessions.key(device);
    this.#devices.set(
      key,
      sessions.status().find((status) => status.key === key),
    );
    this.#show();
  }

  #show(): void {
    const { status, words } = this.#runner;
    const all = [...this.#devices.values()];
    const open = all.filter((device) => device?.link === "open").length;
    const lost = all.find((device) => device?.lastError)?.lastError;
    if (open > 0) {
      const text = all.length === 1 ? words.own("connected") : words.own("some-connected", { open, all: all.length });
      status.rest({ fill: "green", shape: "dot", text });
    } else if (all.some((device) => device?.running !== undefined)) {
      // The one who works with it connects again, perhaps after a reboot, and tells if that fails.
      status.rest({ fill: "yellow", shape: "ring", text: words.shared("connecting") });
    } else if (lost) {
      status.fault(toSmpError(lost));
    } else {
      status.rest({ fill: "grey", shape: "ring", text: words.own("disconnected") });
    }
  }
}

/** At the start: in red that there is no pool to use. */
export function showMissingPool(runner: Runner, pool: () => PoolNode): void {
  try {
    runner.join(pool());
  } catch (thrown) {
    runner.status.fault(toSmpError(thrown));
  }
}
