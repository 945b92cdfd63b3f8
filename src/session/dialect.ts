import { SMP_RC } from "../smp/codes";
import type { ProtocolVersion } from "../smp/header";

/** What the user may ask for: a version, or to find out. */
export type ProtocolChoice = "auto" | 1 | 2;

const V1: ProtocolVersion = 0;
const V2: ProtocolVersion = 1;

/**
 * Which protocol version a session speaks. "auto" starts with v2, which v1 servers accept as they do not look at the
 * version bits, and learns from what a server says or from its silence: a few do not answer v2 at all.
 */
export class Dialect {
  readonly #fixed: boolean;
  #version: ProtocolVersion;
  #heard = false;

  constructor(choice: ProtocolChoice) {
    this.#fixed = choice !== "auto";
    this.#version = choice === 1 ? V1 : V2;
  }

  get version(): ProtocolVersion {
    return this.#version;
  }

  /** A request of this version was answered, in time or late: the first to be answered decides. */
  heard(version: ProtocolVersion): void {
    if (!this.#heard && !this.#fixed) this.#version = version;
    this.#heard = true;
  }

  /** A try got no answer. */
  unheard(): void {
    if (!this.#heard && !this.#fixed) this.#version = V1;
  }

  /** Whether a refusal of a request of `asked` version is worth a repetition in the version that holds now. */
  switchFor(rc: number, asked: ProtocolVersion): boolean {
    const wanted = rc === SMP_RC.TOO_OLD ? V2 : rc === SMP_RC.TOO_NEW ? V1 : undefined;
    if (this.#fixed || wanted === undefined || wanted === asked) return false;
    this.#version = wanted;
    return true;
  }
}
