/** What a virtual device can be told when it is made, and what follows from it. */
import { BOOT_MODE } from "../smp/groups/os";
import type { Hooks } from "./host";
import { type BootMode, type DeviceImagesOptions, type SlotContent } from "./image-options";
import { type Pace, PACES, type PaceName } from "./pace";
import { type Profile, PROFILES, type ProfileName } from "./profiles";

/**
 * How the firmware behaves while it runs on trial: waits to be confirmed, confirms itself, or crashes, so that MCUboot
 * reverts it.
 */
export type Trial = "healthy" | "self-confirming" | "crashing";

interface OwnOptions {
  readonly name: string;
  /** Images in the slots when the device is made; a device without a valid image in slot 0 does not run. */
  readonly slot0: Uint8Array;
  readonly slot1: Uint8Array;
  readonly image1Slot0: Uint8Array;
  readonly image1Slot1: Uint8Array;
  /** Default "zephyr-4.4"; every other property of a profile may be given beside it. */
  readonly profile: ProfileName;
  /** Default "healthy". */
  readonly trial: Trial;
  /** Default "instant". */
  readonly pace: PaceName | Partial<Pace>;
  readonly hooks: Hooks;
  readonly slotAddresses: readonly number[];
  /** Gets one line for each thing that a person would like to know. */
  readonly log: (line: string) => void;
}

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What is absent has the profile's value or the default. */
export type VirtualDeviceOptions = Pick<OwnOptions, "name"> &
  Loose<Omit<OwnOptions, "name">> &
  Loose<Profile> &
  Loose<Omit<DeviceImagesOptions, "contents">>;

export function chosenProfile(options: VirtualDeviceOptions): Profile {
  const base: Profile = PROFILES[options.profile ?? "zephyr-4.4"];
  return { ...base, ...given(options, Object.keys(base) as (keyof Profile)[]) };
}

/** "instant" with what is given on top of it, or one of the named ones. */
export function chosenPace(options: VirtualDeviceOptions): Pace {
  const pace = options.pace ?? "instant";
  return typeof pace === "string" ? PACES[pace] : { ...PACES.instant, ...pace };
}

export function imagesOptions(options: VirtualDeviceOptions, profile: Profile): DeviceImagesOptions {
  const contents = slotContents(options);
  const keys = ["mode", "imageCount", "slotBytes", "pageBytes", "hashBytes", "acceptsImage"] as const;
  const more = ["downgradePrevention", "cannotSwap"] as const;
  const confirm = ["allowConfirmNonActiveImageAny", "allowConfirmNonActiveImageSecondary"] as const;
  return {
    imageCount: contents.some(({ image }) => image === 1) ? 2 : 1,
    ...given(options, [...keys, ...more, ...confirm]),
    allowErasePending: profile.allowErasePending,
    allowConfirmNonActiveSlot: profile.allowConfirmNonActiveSlot,
    legacyState: profile.legacyState,
    contents,
  };
}

function slotContents(options: VirtualDeviceOptions): SlotContent[] {
  const slots: { image: number; slot: 0 | 1; bytes: Uint8Array | undefined }[] = [
    { image: 0, slot: 0, bytes: options.slot0 },
    { image: 0, slot: 1, bytes: options.slot1 },
    { image: 1, slot: 0, bytes: options.image1Slot0 },
    { image: 1, slot: 1, bytes: options.image1Slot1 },
  ];
  return slots.flatMap(({ bytes, ...place }) => (bytes ? [{ ...place, bytes }] : []));
}

/** What the bootloader info command calls a mode. */
export const BOOT_MODE_NUMBER: Readonly<Record<BootMode, number>> = {
  "swap-move": BOOT_MODE.SWAP_MOVE,
  "swap-scratch": BOOT_MODE.SWAP_SCRATCH,
  "swap-offset": BOOT_MODE.SWAP_OFFSET,
  overwrite: BOOT_MODE.OVERWRITE_ONLY,
  "direct-xip": BOOT_MODE.DIRECT_XIP,
  "direct-xip-revert": BOOT_MODE.DIRECT_XIP_REVERT,
};

function given<T extends object, K extends keyof T>(
  options: T,
  keys: readonly K[],
): { [P in K]?: Exclude<T[P], undefined> } {
  const pairs = keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]);
  return Object.fromEntries(pairs) as { [P in K]?: Exclude<T[P], undefined> };
}
