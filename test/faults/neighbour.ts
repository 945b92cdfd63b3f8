/** The image of a device of two that an update is not about: not a byte of it may change. */
import type { VirtualDevice } from "../../src/device/device";
import type { Scenario } from "./scenario";

export class Neighbour {
  readonly #device: VirtualDevice;
  readonly #image: number | undefined;
  readonly #before: readonly Buffer[];

  constructor(device: VirtualDevice, { image, imageCount, both }: Scenario) {
    this.#device = device;
    this.#image = imageCount === 2 && !both ? 1 - image : undefined;
    this.#before = this.#slots();
  }

  get violations(): string[] {
    const now = this.#slots();
    return this.#before.flatMap((before, slot) =>
      before.equals(now[slot]!) ? [] : [`slot ${slot} of image ${this.#image} has changed, which was not updated`],
    );
  }

  #slots(): Buffer[] {
    const image = this.#image;
    if (image === undefined) return [];
    return [0, 1].map((slot) => Buffer.from(this.#device.store.snapshot(image, slot)));
  }
}
