import { createHash, randomBytes, randomFillSync } from "node:crypto";
import type { Ids } from "@nexus/ports";
import { monotonicFactory } from "ulid";

const NAME_CHARS_MAX = 63;
/** 80 random bits: no two processes of a fleet meet. */
const NAME_RANDOM_BYTES = 10;
const DIGEST_BYTES = 16;
/** Asking the system's generator costs as much for one byte as for hundreds. */
const POOL_BYTES = 4_096;
const RANDOM_BYTES = 6;

/** Names and numbers from the operating system's generator. */
export function createIds(): Ids {
  const take = createPool();
  const nextUlid = monotonicFactory(() => take(1) / 2 ** 8);
  return {
    requestId: () => nextUlid(),
    instanceName,
    random: () => take(RANDOM_BYTES) / 2 ** (8 * RANDOM_BYTES),
    digest: (bytes) => createHash("sha256").update(bytes).digest().subarray(0, DIGEST_BYTES).toString("base64url"),
  };
}

/** @returns a function that takes 1 to 6 bytes as an integer; none is given twice */
function createPool(): (bytes: number) => number {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let taken = POOL_BYTES;
  return (bytes) => {
    if (taken + bytes > POOL_BYTES) {
      randomFillSync(pool);
      taken = 0;
    }
    taken += bytes;
    return pool.readUIntBE(taken - bytes, bytes);
  };
}

function instanceName(hint: string): string {
  const random = randomBytes(NAME_RANDOM_BYTES).toString("hex");
  const clean = hint
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, NAME_CHARS_MAX - random.length - 1)
    .replace(/^-+|-+$/g, "");
  return clean === "" ? `x-${random}` : `${clean}-${random}`;
}
