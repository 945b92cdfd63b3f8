/** What has happened to a device in an update so far: the evidence of its verdict. */
import { nowMs } from "../clock";
import { describeFirmware } from "./firmware";
import type { PlanStep, UpdatePlan } from "./plan-types";
import type { ImageEvidence, UpdateEvidence, UpdatePart } from "./run-types";
import { activeWithHash } from "./state";
import type { Firmware, ImageState, UploadResult } from "./types";

const NOTHING_SENT = { sentBytes: 0, resumedFromBytes: 0, startedOver: 0, retries: 0, uploadMs: 0 };

export class RunRecord {
  firmware: readonly Firmware[] = [];
  parts: readonly UpdatePart[] = [];
  plan: UpdatePlan | undefined;
  /** The state that was read last. */
  state: ImageState = [];
  beforeReset: ImageState = [];
  swapMs: number | undefined;
  gate: UpdateEvidence["gate"];
  /** A gate has answered, or a confirm was sent: the trial may be over though nobody said so. */
  mayTrialBeOver = false;
  #before: ImageState | undefined;
  readonly #startedAt = new Date().toISOString();
  readonly #startMs = nowMs();
  readonly #images = new Map<number, ImageEvidence>();
  readonly #steps: { step: PlanStep["step"]; image?: number; tookMs: number }[] = [];

  /** A plan was made; of two the first one knows how the device was found. */
  begin(plan: UpdatePlan, parts: readonly UpdatePart[]): void {
    this.#before ??= plan.images;
    this.plan = plan;
    this.state = plan.images;
    this.parts = parts;
    this.firmware = parts.map(({ info, image }) => describeFirmware(info, image));
    for (const { image, version, hash, fileSha256, sizeBytes } of this.firmware) {
      this.#images.set(image, { image, version, hash, fileSha256, sizeBytes, ...NOTHING_SENT });
    }
  }

  /** Runs a step and takes down what it took, also when it fails. */
  async step<T>({ step, image }: Pick<PlanStep, "step" | "image">, work: () => Promise<T>): Promise<T> {
    const entry = { step, ...(image !== undefined && { image }), tookMs: 0 };
    this.#steps.push(entry);
    const startMs = nowMs();
    try {
      return await work();
    } finally {
      entry.tookMs = Math.round(nowMs() - startMs);
    }
  }

  uploaded({ firmware, images, servedFrom, ...told }: UploadResult): void {
    const before = this.#images.get(firmware.image)!;
    const { outcome, sentBytes, resumedFromBytes, startedOver, retries, elapsedMs: uploadMs } = told;
    const evidence = { ...before, outcome, sentBytes, resumedFromBytes, startedOver, retries, uploadMs };
    this.#images.set(firmware.image, servedFrom ? { ...evidence, servedFrom } : evidence);
    this.state = images;
  }

  /** The wanted images that run now and are not confirmed. */
  get onTrial(): readonly Firmware[] {
    return this.firmware.filter((firmware) => {
      const slot = activeWithHash(this.state, firmware);
      return slot !== undefined && slot.active && !slot.confirmed;
    });
  }

  get evidence(): UpdateEvidence {
    return {
      before: this.#before ?? [],
      after: this.state,
      startedAt: this.#startedAt,
      elapsedMs: Math.round(nowMs() - this.#startMs),
      images: [...this.#images.values()],
      ...(this.swapMs !== undefined && { swapMs: this.swapMs }),
      ...(this.gate && { gate: this.gate }),
      steps: this.#steps.map((step) => ({ ...step })),
    };
  }
}
