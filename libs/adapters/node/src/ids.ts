import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Ids } from "@nexus/ports";
import { monotonicFactory } from "ulid";

const NAME_CHARS_MAX = 63;
/** 80 random bits: no two processes of a fleet meet. */
const NAME_RANDOM_BYTES = 10;
const DIGEST_BYTES = 16;

/** Names and numbers from the operating system's generator. */
export function createIds(): Ids {
  const nextUlid = monotonicFactory();
  return {
    requestId: () => nextUlid(),
    instanceName,
    // 48 bits: the widest range of randomInt.
    random: () => randomInt(0, 2 ** 48 - 1) / (2 ** 48 - 1),
    digest: (bytes) => createHash("sha256").update(bytes).digest().subarray(0, DIGEST_BYTES).toString("base64url"),
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
