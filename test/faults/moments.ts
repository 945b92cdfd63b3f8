/** Counts the requests of each kind, so that incidents know when they are due. */
import type { Incident, Since } from "./scenario";

export class Moments {
  readonly #counts = new Map<Since, Map<string, number>>([["start", new Map()]]);

  /** What the device tells of itself. */
  heard(line: string): void {
    if (line.endsWith(" complete")) this.#begin("upload");
    else if (line.startsWith("running ") && this.#counts.has("upload")) this.#begin("boot");
  }

  /** A request arrives. */
  met(command: string): void {
    for (const counts of this.#counts.values()) counts.set(command, (counts.get(command) ?? 0) + 1);
  }

  /** Whether the request that has just arrived is the one. */
  isDue({ command, nth, since }: Incident, met: string): boolean {
    return command === met && this.#counts.get(since)?.get(command) === nth;
  }

  #begin(since: Since): void {
    if (!this.#counts.has(since)) this.#counts.set(since, new Map());
  }
}
