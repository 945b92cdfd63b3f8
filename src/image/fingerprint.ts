import { createHash } from "node:crypto";

const SHOWN_DIGITS = 16;

/** The first 16 hex digits of the SHA-256: enough to tell bytes apart, and nothing of the bytes themselves. */
export function fingerprint(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, SHOWN_DIGITS);
}
