/** What went over a link, and in what time. */
export class Traffic {
  sentBytes = 0;
  receivedBytes = 0;
  #beganMs: number | undefined;
  #endedMs = 0;

  sent(data: Uint8Array): void {
    this.#beganMs ??= performance.now();
    this.sentBytes += data.length;
  }

  received(data: Uint8Array): void {
    this.#endedMs = performance.now();
    this.receivedBytes += data.length;
  }

  /** From the first byte sent to the last received. */
  get elapsedMs(): number {
    return this.#beganMs === undefined ? 0 : Math.max(0, this.#endedMs - this.#beganMs);
  }
}
