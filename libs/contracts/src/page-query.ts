import { z } from "zod";
import { limits } from "./limits.ts";

/** What a question for a page says, beside what the page is of. */
export const pageQuery = {
  offset: z.int().min(0).max(1_000_000).meta({ description: "Rows to leave out", default: 0 }).optional(),
  limit: z
    .int()
    .min(1)
    .max(limits.pageRowsMax)
    .meta({ description: "Rows of the page; fewer where they do not fit a message", default: limits.pageRowsMax })
    .optional(),
};
