import { createHash, randomBytes } from "node:crypto";
import type { Ids } from "@nexus/ports";
import { monotonicFactory } from "ulid";

/** Ids from the machine's random source. */
export function createIds(): Ids {
  const ulid = monotonicFactory();
  return {
    requestId: () => ulid(),
    instanceName(hint) {
      const stem = hint
        .toLowerCase()
        .replace(/[^a-z0-9-]/g, "-")
        .replace(/^-+/, "")
        .slice(0, 46);
      return `${stem === "" ? "x" : stem}-${randomBytes(8).toString("hex")}`;
    },
    random: () => Math.random(),
    digest: (bytes) => createHash("sha256").update(bytes).digest().subarray(0, 16).toString("base64url"),
  };
}
