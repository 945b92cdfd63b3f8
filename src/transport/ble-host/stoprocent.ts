/* oxlint-disable no-underscore-dangle -- noble's own names for its insides */
/** `@stoprocent/noble`. */
import { type Bindings, forgetAddress, tap } from "./hci";
import type { HostSettings } from "./messages";
import { CONNECTION } from "./connection-parameters";
import type { Driver, Noble } from "./noble";

/** What Zephyr's samples offer; its fragments of 495 bytes fill two packets of the link layer. */
const ASKED_MTU = 498;

type Inside = Noble & {
  readonly _bindings: Bindings;
  readonly _peripherals: Map<string, unknown>;
  readonly _discoveredPeripherals: Set<string>;
} & Record<"_services" | "_characteristics" | "_descriptors", Record<string, unknown>>;

interface Package {
  withBindings(type: string, options: object): Inside;
}

/** @throws what the package throws when it is absent or was not compiled */
export function loadStoprocent({ adapter, dedicated }: HostSettings): Driver {
  // oxlint-disable-next-line typescript/no-require-imports -- present only where a pool needs it
  const noble = (require("@stoprocent/noble") as Package).withBindings("default", {
    deviceId: adapter,
    ...(dedicated && { userChannel: true }),
  });
  const driver: Driver = {
    name: "stoprocent",
    noble,
    askedMtu: ASKED_MTU,
    connectOptions: { ...CONNECTION, mtu: ASKED_MTU },
    onLinkLayer: () => {},
    prepare: () => tap(noble._bindings, (id, event) => driver.onLinkLayer(id, event)),
    known: () => [...noble._peripherals.keys()],
    forget: (id) => {
      forgetAddress(noble._bindings, id);
      noble._peripherals.delete(id);
      noble._discoveredPeripherals.delete(id);
      for (const table of ["_services", "_characteristics", "_descriptors"] as const) delete noble[table][id];
    },
  };
  return driver;
}
