import { z } from "zod";

/**
 * The wire version that this build speaks, and the range that it understands. Every frame between processes carries
 * `v`; hello frames, router announcements and the services' metadata carry the range. Unknown fields of internal
 * frames are ignored, so a field may be added without a new version; changing or removing one needs a new version.
 */
export const WIRE_VERSION = 1;
export const wireRange = { min: 1, max: WIRE_VERSION } as const;

export const versionSchema = z.int().min(wireRange.min).max(wireRange.max).describe("Wire version of this frame");

export const wireRangeSchema = z
  .object({
    min: z.int().min(1).max(1_000).describe("The oldest of them"),
    max: z.int().min(1).max(1_000).describe("The newest of them"),
  })
  .refine((range) => range.min <= range.max, "min must not be above max")
  .describe("Wire versions that the sender understands");
export type WireRange = z.infer<typeof wireRangeSchema>;

/** Whether a peer that understands `range` can be spoken to. */
export function understands(range: WireRange): boolean {
  return range.min <= WIRE_VERSION && range.max >= wireRange.min;
}
