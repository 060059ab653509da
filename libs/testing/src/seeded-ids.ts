import type { Ids } from "@nexus/ports";
import { createRandom } from "./random.ts";

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const NAME_CHARS = "0123456789abcdefghijklmnopqrstuvwxyz";
const NAME_CHARS_MAX = 63;
const NAME_RANDOM_CHARS = 12;
const ULID_TIME_CHARS = 10;
const ULID_RANDOM_CHARS = 16;
/** 2026-01-01T00:00:00Z; each id is a millisecond younger than the last, which keeps them monotonic. */
const FIRST_ID_EPOCH_MS = 1_767_225_600_000;

const FNV_PRIME = 0x100000001b3n;
const FNV_OFFSET = 0xcbf29ce484222325n;
/** Any other start gives a second, different 64-bit hash. */
const OTHER_OFFSET = 0x9e3779b97f4a7c15n;
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGEST_BITS = 128n;
const DIGEST_CHARS = 22;

/**
 * Ids that are the same for the same seed. For tests alone: the generator is guessable, and the digest (two FNV-1a
 * hashes of 64 bits) spreads well but stands up to nobody who looks for a collision.
 */
export function createSeededIds(seed: number): Ids {
  const random = createRandom(seed);
  let issued = 0;
  return {
    requestId: () => timeChars(FIRST_ID_EPOCH_MS + issued++) + randomChars(random, CROCKFORD, ULID_RANDOM_CHARS),
    instanceName(hint) {
      const name = hint
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .slice(0, NAME_CHARS_MAX - NAME_RANDOM_CHARS - 1)
        .replace(/^-+|-+$/g, "");
      return `${name === "" ? "x" : name}-${randomChars(random, NAME_CHARS, NAME_RANDOM_CHARS)}`;
    },
    random,
    digest,
  };
}

function randomChars(random: () => number, alphabet: string, count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += alphabet[Math.floor(random() * alphabet.length)];
  return text;
}

function timeChars(epochMs: number): string {
  let text = "";
  for (let rest = epochMs; text.length < ULID_TIME_CHARS; rest = Math.floor(rest / 32)) text = CROCKFORD[rest % 32] + text;
  return text;
}

function digest(bytes: Uint8Array): string {
  // Four zero bits make 132, which is 22 characters exactly.
  let rest = ((fnv1a(bytes, FNV_OFFSET) << 64n) | fnv1a(bytes, OTHER_OFFSET)) << (BigInt(DIGEST_CHARS) * 6n - DIGEST_BITS);
  let text = "";
  for (; text.length < DIGEST_CHARS; rest >>= 6n) text = BASE64URL[Number(rest & 63n)] + text;
  return text;
}

function fnv1a(bytes: Uint8Array, offset: bigint): bigint {
  let hash = offset;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  return hash;
}
