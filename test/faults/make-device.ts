/** The virtual device that a scenario asks for. */
import { VirtualDevice } from "../../src/device/device";
import { hashOf } from "../build-image";
import { type Files, isUnwelcome, PAGE_BYTES } from "./files";
import type { OtherSlot, Scenario } from "./scenario";

export function makeDevice(name: string, scenario: Scenario, files: Files, log: (line: string) => void): VirtualDevice {
  const { image, imageCount, otherSlot, obstacle } = scenario;
  const mine =
    image === 0
      ? { slot0: slot0Of(scenario, files), slot1: files.other }
      : { image1Slot0: files.old, image1Slot1: files.other };
  const neighbour = imageCount === 1 ? {} : image === 0 ? { image1Slot0: files.neighbour } : { slot0: files.neighbour };
  const device = new VirtualDevice({
    ...scenario,
    name,
    ...mine,
    ...neighbour,
    slotBytes: scenario.pages * PAGE_BYTES,
    pageBytes: PAGE_BYTES,
    allowConfirmNonActiveImageAny: true,
    startsInRecovery: scenario.inRecovery,
    cannotSwap: obstacle === "cannot-swap",
    ...(obstacle === "downgrade" && { downgradePrevention: "version" as const }),
    ...(obstacle === "rejected" && { acceptsImage: ({ version }) => !isUnwelcome(version) }),
    log,
  });
  const start = MARKS[otherSlot];
  if (start) device.store.setState(hashOf(files.other!), start.isPermanent);
  if (start?.isBooted) device.store.boot();
  return device;
}

const MARKS: Partial<Record<OtherSlot, { readonly isPermanent: boolean; readonly isBooted: boolean }>> = {
  pending: { isPermanent: false, isBooted: false },
  "wanted-pending": { isPermanent: false, isBooted: false },
  "wanted-permanent": { isPermanent: true, isBooted: false },
  "wanted-on-trial": { isPermanent: false, isBooted: true },
  "third-on-trial": { isPermanent: false, isBooted: true },
};

function slot0Of({ primary }: Scenario, { old }: Files): Uint8Array | undefined {
  if (primary === "empty") return undefined;
  return primary === "torn" ? old.subarray(0, Math.floor(old.length * 0.6)) : old;
}
