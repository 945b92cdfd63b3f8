/** How far the update of a device is. */
import { nowMs } from "../clock";
import type { PlanStep, UpdatePlan } from "./plan-types";
import type { DeviceProgress, UpdateOptions, UpdatePart, UpdatePhase } from "./run-types";
import type { ResetProgress } from "./reset-device";
import { SwapTimes } from "./swap-times";
import type { UploadProgress } from "./types";

/** Where in the whole each part begins, in percent. The upload takes most of the time on nearly all links. */
const AT = { upload: 1, mark: 90, reset: 91, gate: 97, confirm: 98 } as const;

export class RunProgress {
  readonly #device: string;
  readonly #options: UpdateOptions;
  readonly #swapTimes: SwapTimes;
  readonly #startMs = nowMs();
  #percent = 0;
  #noReturn = false;
  #isReset = false;
  #uploads: readonly number[] = [];
  #doneBytes = 0;

  constructor(device: string, options: UpdateOptions) {
    this.#device = device;
    this.#options = options;
    this.#swapTimes = options.swapTimes ?? new SwapTimes();
  }

  get elapsedMs(): number {
    return Math.round(nowMs() - this.#startMs);
  }

  /** @param swapMs what the last swap of this device took, if that was seen */
  planned(plan: UpdatePlan, parts: readonly UpdatePart[], swapMs: number | undefined): void {
    if (swapMs !== undefined) this.swapTook(swapMs);
    this.#isReset = plan.steps.some(({ step }) => step === "reset");
    const sizes = new Map(parts.map(({ image, info }) => [image, info.sizeBytes]));
    this.#uploads = plan.steps.flatMap(({ step, image }) => (step === "upload" ? [sizes.get(image!) ?? 0] : []));
  }

  /** A step begins. */
  begin({ step, noReturn }: Pick<PlanStep, "step" | "noReturn">, phase: UpdatePhase): void {
    // A confirm may still be refused, and a mark be lost: only from here on it may have happened.
    this.#noReturn ||= noReturn === true;
    const at: Partial<Record<PlanStep["step"], number>> = { ...AT, test: AT.mark, permanent: AT.mark };
    this.enter(phase, step === "upload" ? 0 : at[step]);
  }

  enter(phase: UpdatePhase, percent = 0): void {
    this.#report(phase, percent, {});
  }

  upload({ phase, offBytes, lenBytes, bytesPerSecond, etaMs, retries }: UploadProgress): void {
    const allBytes = this.#uploads.reduce((sum, bytes) => sum + bytes, 0) || lenBytes;
    const share = (this.#doneBytes + offBytes) / allBytes;
    const percent = AT.upload + share * ((this.#isReset ? AT.mark : 99) - AT.upload);
    const laterBytes = Math.max(0, allBytes - this.#doneBytes - lenBytes);
    const toGoMs = etaMs === undefined ? undefined : etaMs + (laterBytes * 1000) / Math.max(1, bytesPerSecond);
    const eta = this.#withSwap(toGoMs);
    this.#report(phase, percent, { offBytes, lenBytes, bytesPerSecond, retries, ...eta });
  }

  uploaded(bytes: number): void {
    this.#doneBytes += bytes;
  }

  swapTook(swapMs: number): void {
    this.#swapTimes.learn(this.#device, swapMs);
  }

  reset({ phase, elapsedMs }: ResetProgress): void {
    const expectedMs = this.#swapTimes.expected(this.#device);
    const share = expectedMs === undefined ? 0 : Math.min(1, elapsedMs / Math.max(1, expectedMs));
    const etaMs = expectedMs === undefined ? {} : { etaMs: Math.max(0, Math.round(expectedMs - elapsedMs)) };
    this.#report(phase, AT.reset + share * (AT.gate - AT.reset), etaMs);
  }

  #withSwap(toGoMs: number | undefined): Pick<DeviceProgress, "etaMs"> {
    if (toGoMs === undefined) return {};
    const swapMs = this.#isReset ? this.#swapTimes.expected(this.#device) : 0;
    return { etaMs: Math.round(toGoMs + (swapMs ?? 0)) };
  }

  #report(phase: UpdatePhase, percent: number, facts: Partial<DeviceProgress>): void {
    this.#percent = Math.max(this.#percent, Math.min(99, Math.floor(percent)));
    const { elapsedMs } = this;
    this.#options.onProgress?.({
      device: this.#device,
      phase,
      percent: this.#percent,
      ...facts,
      elapsedMs,
      noReturn: this.#noReturn,
    });
  }
}
