/** An open serial line without its framing: bytes in both directions. */
export interface ByteStream {
  /** Resolves when the bytes are handed on and more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Idempotent, never throws, settles within 3 s; `lost` is not called any more. */
  close(): Promise<void>;
}

export interface ByteListener {
  data(bytes: Uint8Array): void;
  /** The line is gone; nothing comes any more. */
  lost(reason: unknown): void;
}
