/** Randomness from outside. */
export interface Ids {
  /** A ULID, monotonic within the process. */
  requestId(): string;
  /** A name no other process takes: `<hint>-<random>`, at most 63 characters of `[a-z0-9-]`. */
  instanceName(hint: string): string;
  /** Uniform in [0, 1). */
  random(): number;
  /** 128-bit digest of bytes, base64url, 22 characters. Collision-resistant, so that a hostile body cannot pass for another. */
  digest(bytes: Uint8Array): string;
}
