/** Versions: of what runs, of what an image depends on, and the security counter. */
import { compareVersions, formatVersion, parseVersion, type Version } from "../image/version";
import type { CheckSubject, Finding } from "./checks";
import { activeSlot, pendingSlot } from "./state";
import type { ImageState, SlotState } from "./types";

export function checkVersion({ info, image, device, policy }: CheckSubject): Finding[] {
  const check = "version";
  const running = activeSlot(device.images, image);
  const current = running && readable(running.version);
  if (!current) {
    const because = `${info.versionText} can be compared with nothing: the device does not tell what runs`;
    return [{ check, level: "unknown", because }];
  }
  const order = compareVersions(info.version, current);
  const how = order > 0 ? "newer than" : order < 0 ? "older than" : "the same version as";
  const comparison = `${info.versionText} is ${how} what runs (${formatVersion(current)})`;
  const objection = order > 0 ? undefined : objectionTo(order < 0 ? "older" : "same", { info, device, policy });
  if (objection !== undefined) return [tooOld(`${comparison}, and ${objection}`)];
  return [{ check, level: order < 0 ? "warn" : "ok", because: comparison }];
}

function objectionTo(
  version: "older" | "same",
  { info, device, policy }: Pick<CheckSubject, "info" | "device" | "policy">,
): string | undefined {
  if (policy.upgradeOnly) return "only newer firmware is wanted";
  // A bootloader that goes by security counters does not look at the version of an image that has one.
  if (version === "same" || !device.noDowngrade || info.securityCounter !== undefined) return undefined;
  return "the bootloader refuses downgrades: it would erase the image at the next boot";
}

function tooOld(because: string): Finding {
  return { check: "version", level: "refuse", because, error: { code: "SMP_NOT_NEWER", verdict: "refused-downgrade" } };
}

/** MCUboot with hardware rollback protection boots nothing with a lower counter than it has seen. */
export function checkCounter({ info, policy }: CheckSubject): Finding[] {
  const check = "security-counter";
  const { securityCounter: own } = info;
  const { securityCounter: known } = policy;
  if (own === undefined && known === undefined) return [];
  if (known === undefined) {
    const because = `its security counter is ${own}; the device's own is unknown, because SMP does not tell it`;
    return [{ check, level: "unknown", because }];
  }
  if (own !== undefined && own >= known) {
    return [{ check, level: "ok", because: `its security counter ${own} is not below the device's ${known}` }];
  }
  const has = own === undefined ? "it has no security counter" : `its security counter is ${own}`;
  const because = `${has}, and the device's is ${known}: its bootloader would refuse the image`;
  return [{ check, level: "refuse", because, error: { code: "SMP_NOT_NEWER", verdict: "refused-downgrade" } }];
}

/** MCUboot swaps nothing as long as a dependency is not met (`boot_verify_dependencies`). */
export function checkDependencies({ info, device, policy }: CheckSubject): Finding[] {
  return info.dependencies.map(({ image, minVersion }): Finding => {
    const check = "dependencies";
    const needs = `it needs image ${image} in version ${formatVersion(minVersion)} or newer`;
    const coming = policy.companions?.find((each) => each.image === image);
    const next = coming ? readable(coming.version) : nextVersion(device.images, image);
    if (!next) return { check, level: "unknown", because: `${needs}; the device does not tell which it has` };
    const whence = coming ? "this update brings" : "the device has";
    const because = `${needs}; ${whence} ${formatVersion(next)}`;
    if (compareVersions(next, minVersion) >= 0) return { check, level: "ok", because };
    const unmarked = coming ? undefined : unmarkedSlot(device.images, image, minVersion);
    if (unmarked) {
      const lies = `${unmarked.version} lies in slot ${unmarked.slot}, and has to be marked for the same reset`;
      return { check, level: "warn", because: `${because}; ${lies}` };
    }
    const hint = `Upload image ${image} in that version first.`;
    return { check, level: "refuse", because: `${info.label}: ${because}`, error: { code: "SMP_DEPENDENCY", hint } };
  });
}

/** What runs after the next boot, as far as it is marked: the one that waits counts, else the one that runs. */
function nextVersion(state: ImageState, image: number): Version | undefined {
  const slot = pendingSlot(state, image) ?? activeSlot(state, image);
  return slot && readable(slot.version);
}

function unmarkedSlot(state: ImageState, image: number, minVersion: Version): SlotState | undefined {
  return state.find((slot) => {
    const isSpare = slot.image === image && slot !== activeSlot(state, image);
    const version = isSpare ? readable(slot.version) : undefined;
    return version && compareVersions(version, minVersion) >= 0;
  });
}

function readable(text: string): Version | undefined {
  try {
    return parseVersion(text);
  } catch {
    return undefined;
  }
}
