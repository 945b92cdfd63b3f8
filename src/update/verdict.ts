/**
 * What a reset did to an image, told by comparing the image states before and after. Source: the actions of MCUboot
 * (`boot/bootutil/src/loader.c`) as the state list shows them.
 */
import { activeSlot, describeState, holds, pendingSlot, trialRunning } from "./state";
import type { ImageState, SlotState, Verdict, WantedImage } from "./types";

export interface Judgement {
  readonly verdict: Verdict;
  readonly because: string;
  /** Whether it is what the state before promised: the pending image runs, a trial is over, or nothing changed. */
  readonly asPromised: boolean;
}

export interface BeforeAndAfter {
  readonly before: ImageState;
  readonly after: ImageState;
  /** The image in question. Of the other images, or when absent, only what the state before promised is judged. */
  readonly wanted?: WantedImage | undefined;
}

export function judge({ before, after, wanted }: BeforeAndAfter): Judgement {
  const numbers = new Set([...before, ...after].map((slot) => slot.image));
  const others = [...numbers].filter((image) => image !== wanted?.image);
  const judgements = others.map((image) => judgeImage(before, after, inQuestion(before, after, image)));
  if (wanted) judgements.unshift(judgeImage(before, after, wanted));
  const broken = judgements.find((each) => !each.asPromised);
  const changed = judgements.find((each) => each.verdict !== "already-current");
  const first = wanted ? judgements[0] : (changed ?? judgements[0]);
  return broken ?? first ?? failed("the device lists no images", before.length === 0);
}

/** The image that the reset is about: the pending one, the one on trial, or the one that runs. */
function inQuestion(before: ImageState, after: ImageState, image: number): WantedImage {
  const slot = pendingSlot(before, image) ?? activeSlot(before, image) ?? activeSlot(after, image);
  return { image, hash: slot?.hash ?? "" };
}

function judgeImage(before: ImageState, after: ImageState, wanted: WantedImage): Judgement {
  const running = activeSlot(after, wanted.image);
  if (!running) {
    const because = `the device lists no running image (${describeState(after)}); it may be in the bootloader's recovery`;
    // Recovery lists what is valid in slot 0 and runs nothing: after a reset it has to.
    const wasToRun = activeSlot(before, wanted.image) ?? before.find((slot) => slot.slot === 0 && holds(slot, wanted));
    return failed(because, wasToRun === undefined);
  }
  return holds(running, wanted) ? judgeRunning(before, running, wanted) : judgeAnother(before, after, wanted);
}

/** The wanted image runs. */
function judgeRunning(before: ImageState, running: SlotState, wanted: WantedImage): Judgement {
  const ranBefore = activeSlot(before, wanted.image);
  const same = ranBefore !== undefined && holds(ranBefore, wanted);
  const image = `${running.version} runs`;
  if (running.confirmed) {
    return same && ranBefore.confirmed
      ? { verdict: "already-current", because: `${image} and is confirmed, as before`, asPromised: true }
      : { verdict: "confirmed", because: `${image} and is confirmed`, asPromised: true };
  }
  return same && !ranBefore.confirmed
    ? notSwapped(`${image} still on trial: the device did not reset`, false)
    : {
        verdict: "testing",
        because: `${image} on trial; unless it is confirmed, a reset reverts it`,
        asPromised: true,
      };
}

/** Another image runs. */
function judgeAnother(before: ImageState, after: ImageState, wanted: WantedImage): Judgement {
  const running = activeSlot(after, wanted.image)!;
  const was = { active: activeSlot(before, wanted.image), pending: pendingSlot(before, wanted.image) };
  const found = after.find((slot) => holds(slot, wanted));
  const runs = `${running.version} runs`;
  if (was.active && holds(was.active, wanted) && !was.active.confirmed) {
    return {
      verdict: "reverted",
      because: `the trial was not confirmed before the reset: ${runs} again`,
      asPromised: true,
    };
  }
  if (found?.pending) {
    return notSwapped(
      `${runs} and ${found.version} is still pending: the device did not reset, or the bootloader cannot swap the slots`,
      false,
    );
  }
  if (!was.pending || !holds(was.pending, wanted)) return judgeUnpromised(before, after, wanted);
  return found
    ? {
        verdict: "reverted",
        because: `${runs} again and ${found.version} lies in slot ${found.slot} unmarked: it was tried, but crashed or reset before it was confirmed`,
        asPromised: false,
      }
    : {
        verdict: "rejected-by-bootloader",
        because: `${runs} and ${was.pending.version} is gone: the bootloader did not accept it (signature, downgrade or dependency; with direct-XIP also after a trial that was not confirmed) and erased it`,
        asPromised: false,
      };
}

/** Another image runs, and nothing said before that the wanted one would. */
function judgeUnpromised(before: ImageState, after: ImageState, wanted: WantedImage): Judgement {
  const running = activeSlot(after, wanted.image)!;
  const promised =
    pendingSlot(before, wanted.image) ??
    trialRunning(before, wanted.image)?.fallback ??
    activeSlot(before, wanted.image);
  const asPromised = promised === undefined || promised.hash === running.hash;
  const found = after.find((slot) => holds(slot, wanted));
  if (found) {
    return notSwapped(
      `${running.version} runs; ${found.version} in slot ${found.slot} was not marked for this boot`,
      asPromised,
    );
  }
  return failed(`${running.version} runs, and the image ${wanted.hash.slice(0, 8)}… is in no slot`, asPromised);
}

function notSwapped(because: string, asPromised: boolean): Judgement {
  return { verdict: "not-swapped", because, asPromised };
}

function failed(because: string, asPromised: boolean): Judgement {
  return { verdict: "failed", because, asPromised };
}
