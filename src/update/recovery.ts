/**
 * MCUboot's serial recovery, as an update meets it: an upload goes straight over the image that runs, nothing is marked, and
 * the next reset boots what was uploaded. Source: MCUboot `boot/boot_serial/src/boot_serial.c`.
 */
import { DeviceError, SmpError } from "../errors";
import type { FirmwareInfo } from "../image/inspect";
import type { DeviceHandle, SmpSession } from "../session/types";
import { os } from "../smp/commands";
import { holds, requestStateList, requestStateListIfAny, slotWithHash, toImageState, type StateList } from "./state";
import type { Firmware, ImageState, SlotState } from "./types";

/** An image of the update: what its file says, and how the device names it. */
export interface ImageToInstall {
  readonly info: Pick<FirmwareInfo, "loadAddress">;
  readonly firmware: Firmware;
}

/**
 * Whether the bootloader answers and not an application. Only a list that an application would not give is a reason to
 * ask: it shows what runs, and a split status.
 * @throws as `SmpSession.request`
 */
async function isInRecovery(session: SmpSession, list: StateList, signal?: AbortSignal): Promise<boolean> {
  if (list.splitStatus !== undefined && list.images.some((entry) => entry.active === true)) return false;
  try {
    await session.request(os.consoleEcho, { echo: false }, { signal });
    return true;
  } catch (error) {
    if (error instanceof DeviceError) return false;
    throw error;
  }
}

/** What a state list shows, and who gave it. */
export interface Standpoint {
  readonly images: ImageState;
  readonly inRecovery: boolean;
}

/**
 * In recovery nothing runs, whatever the list says: builds with `MCUBOOT_SERIAL_IMG_GRP_IMAGE_STATE` flag the image that the next boot
 * takes as active, as an application does.
 * @throws as `SmpSession.request`
 */
export async function standpoint(session: SmpSession, list: StateList, signal?: AbortSignal): Promise<Standpoint> {
  const inRecovery = await isInRecovery(session, list, signal);
  const images = toImageState(list);
  return { inRecovery, images: inRecovery ? images.map((slot) => ({ ...slot, active: false })) : images };
}

/** @throws as `SmpSession.request` */
export async function readImageState(session: SmpSession, signal?: AbortSignal): Promise<ImageState> {
  return imagesOf(session, await requestStateList(session, { signal }), signal);
}

/** Of a list that has just come. @throws as `SmpSession.request` */
export async function imagesOf(session: SmpSession, list: StateList, signal?: AbortSignal): Promise<ImageState> {
  const mayRun = list.images.some((entry) => entry.active === true);
  return mayRun ? (await standpoint(session, list, signal)).images : toImageState(list);
}

/** The slot that recovery will boot: the marked one, the one that a trial falls back to, or slot 0. */
export function bootedByRecovery(state: ImageState, image: number): SlotState | undefined {
  const slots = state.filter((slot) => slot.image === image);
  return (
    slots.find(({ slot, pending, confirmed }) => pending || (slot > 0 && confirmed)) ??
    slots.find(({ slot }) => slot === 0)
  );
}

/** The slot with the image, if it need not be sent again: in recovery if it boots, or is built to run from where it lies. */
export function slotHolding(
  state: ImageState,
  { firmware, info }: ImageToInstall,
  inRecovery: boolean,
): SlotState | undefined {
  if (!inRecovery || info.loadAddress !== undefined) return slotWithHash(state, firmware);
  const next = bootedByRecovery(state, firmware.image);
  return next && holds(next, firmware) ? next : undefined;
}

/** As {@link slotHolding}, of a list that has just come. @throws as `SmpSession.request` */
export async function findSlotHolding(
  session: SmpSession,
  list: StateList,
  wanted: ImageToInstall,
  signal: AbortSignal | undefined,
): Promise<SlotState | undefined> {
  const { images, inRecovery } = await standpoint(session, list, signal);
  return slotHolding(images, wanted, inRecovery);
}

/** @throws SMP_IN_RECOVERY unless the upload is allowed there, SMP_BAD_INPUT for what recovery cannot do */
export function refuseInRecovery(images: ImageState, options: { allowRecovery: boolean; upgradeOnly: boolean }): void {
  const now = images.map(({ slot, version }) => `slot ${slot}: ${version}`).join("; ") || "no valid image";
  if (!options.allowRecovery) {
    throw new SmpError(
      "SMP_IN_RECOVERY",
      `the device is in MCUboot's serial recovery (${now}): an upload would erase slot 0 at once, with no image to go back to`,
    );
  }
  if (!options.upgradeOnly) return;
  throw new SmpError(
    "SMP_BAD_INPUT",
    "MCUboot's serial recovery does not compare versions: upgradeOnly has no effect",
    {
      field: "upgradeOnly",
    },
  );
}

/** For bootloaders with one slot, where an application uploads over the firmware as well. */
export function refuseOneSlot(): SmpError {
  return new SmpError(
    "SMP_NO_TRIAL",
    "the device has one slot: an upload overwrites the firmware at once, with no image to go back to",
    { hint: "Allow it (allowRecovery), if the device can be reached by other means when it fails." },
  );
}

/** The state, if the bootloader answers. @throws as `SmpSession.request` */
export async function stateInRecovery(device: DeviceHandle, signal?: AbortSignal): Promise<ImageState | undefined> {
  const session = await device.session(signal);
  const { images, inRecovery } = await standpoint(session, await requestStateList(session, { signal }), signal);
  return inRecovery ? images : undefined;
}

/**
 * Proof that a reset into the bootloader was understood.
 * @param wasUnlisted the application had no list of images; a firmware loader has one
 * @throws SMP_STATE_UNCHANGED when the application is back
 */
export async function requireBootloader(
  session: SmpSession,
  wasUnlisted: boolean,
  signal: AbortSignal | undefined,
): Promise<string> {
  const list = await requestStateListIfAny(session, { signal });
  if (list && (await isInRecovery(session, list, signal))) return "MCUboot's serial recovery answers";
  if (list && wasUnlisted) return "the firmware loader answers";
  const active = list && toImageState(list).find((slot) => slot.active);
  throw new SmpError(
    "SMP_STATE_UNCHANGED",
    `the device was asked to stay in its bootloader, but its application answers (${active?.version ?? "no version"})`,
    {
      hint: "boot_mode needs Zephyr 4.2 or later with retention, and an MCUboot with serial recovery: enter it by a button.",
    },
  );
}
