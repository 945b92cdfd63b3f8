/** Draws from a seeded source. */
import { randomFrom } from "../random";

export class Chance {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    // Neighbouring seeds begin alike.
    for (let turn = 0; turn < 8; turn++) this.random();
  }

  /** True in that share of cases. */
  of(share: number): boolean {
    return this.random() < share;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  /** Spread evenly over the orders of magnitude. */
  magnitude(from: number, to: number): number {
    return from * (to / from) ** this.random();
  }

  among<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)]!;
  }

  /** So many different ones. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return Array.from(
      { length: Math.min(count, left.length) },
      () => left.splice(this.whole(0, left.length - 1), 1)[0]!,
    );
  }
}
