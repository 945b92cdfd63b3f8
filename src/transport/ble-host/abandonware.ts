/* oxlint-disable no-underscore-dangle -- noble's own names for its insides */
/** `@abandonware/noble`. */
import { type Bindings, forgetAddress, tap } from "./hci";
import type { HostSettings } from "./messages";
import { CONNECTION } from "./connection-parameters";
import type { Driver, Noble } from "./noble";

/** Fixed in the package (lib/hci-socket/gatt.js). */
const ASKED_MTU = 256;
const TABLES = ["_peripherals", "_services", "_characteristics", "_descriptors", "_discoveredPeripheralUUids"] as const;

type Inside = Noble & { readonly _bindings: Bindings } & Record<(typeof TABLES)[number], Record<string, unknown>>;

/** @throws what the package throws when it is absent, was not compiled, or finds no Bluetooth in the kernel */
export function loadAbandonware({ adapter, dedicated }: HostSettings): Driver {
  // The option for it is dead code in the package; this variable works.
  if (dedicated) process.env["HCI_CHANNEL_USER"] = "1";
  // oxlint-disable-next-line typescript/no-require-imports -- present only where a pool needs it
  const create = require("@abandonware/noble/with-custom-binding") as (options: object) => Inside;
  const noble = create({ deviceId: adapter });
  const driver: Driver = {
    name: "abandonware",
    noble,
    askedMtu: ASKED_MTU,
    connectOptions: CONNECTION,
    onLinkLayer: () => {},
    prepare: () => {
      tap(noble._bindings, (id, event) => driver.onLinkLayer(id, event));
      // On the user channel the package never asks, and then no data ever leaves.
      if (process.env["HCI_CHANNEL_USER"]) noble._bindings._hci?.readLeBufferSize();
    },
    known: () => Object.keys(noble._peripherals),
    forget: (id) => {
      forgetAddress(noble._bindings, id);
      for (const table of TABLES) delete noble[table][id];
    },
  };
  return driver;
}
