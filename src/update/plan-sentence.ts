/** A plan in one sentence. */
import type { MovingPart } from "./plan-refusals";
import type { PlanStep, StepName } from "./plan-types";
import { activeSlot } from "./state";
import type { ImageState } from "./types";

const VERBS: Readonly<Record<StepName, string | undefined>> = {
  settle: "ends the trial that runs",
  upload: "uploaded",
  test: "selected for the next boot",
  permanent: "marked to stay",
  reset: "started by a reset",
  verify: undefined,
  gate: "put before the gate",
  confirm: "confirmed",
  skip: undefined,
};

/** "1.0.0 runs: 1.5.0 is uploaded, selected for the next boot, started by a reset, and confirmed". */
export function sentenceOf(steps: readonly PlanStep[], before: ImageState, parts: readonly MovingPart[]): string {
  const wanted = parts.map(({ image, firmware }) =>
    parts.length > 1 ? `image ${image} ${firmware.version}` : firmware.version,
  );
  const running = parts.map(({ image }) => activeSlot(before, image)?.version ?? "nothing that is known");
  const settle = steps.find(({ step }) => step === "settle");
  const verbs = [...new Set(steps.flatMap(({ step }) => (step === "settle" ? [] : (VERBS[step] ?? []))))];
  const first = settle ? `${settle.reason}; then ` : "";
  const is = parts.length > 1 ? "are" : "is";
  const done = verbs.length > 0 ? `${list(wanted)} ${is} ${list(verbs)}` : `${list(wanted)} ${is} what runs`;
  return `${list(running)} ${running.length > 1 ? "run" : "runs"}: ${first}${done}`;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
