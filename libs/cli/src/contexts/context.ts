import { namePattern, redacted } from "@nexus/contracts";
import { z } from "zod";

/** Where a fleet is and how to get in, under a name. */
export const contextSchema = z.strictObject({
  description: z.string().max(256).optional(),
  /** NATS servers, several with commas. */
  server: z.string().min(1).optional(),
  user: z.string().min(1).optional(),
  password: z.string().min(1).optional(),
  token: z.string().min(1).optional(),
  /** Path of a .creds file. */
  creds: z.string().min(1).optional(),
  inboxPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$/, "must be a subject such as _INBOX_me, without a dot at its end")
    .optional(),
  prefix: z.string().min(1).optional(),
  tracesUrl: z.url({ protocol: /^https?$/, error: "must be http://host:port" }).optional(),
  redisUrl: z.url({ protocol: /^rediss?$/, error: "must be redis://host:port" }).optional(),
});
export type Context = z.infer<typeof contextSchema>;

export const contextNamePattern = namePattern;

export const contextsFileSchema = z.strictObject({
  /** The one that is used where none is named. */
  current: z.string().optional(),
  contexts: z.record(z.string().regex(contextNamePattern), contextSchema),
});
export type ContextsFile = z.infer<typeof contextsFileSchema>;

const secrets: readonly string[] = ["password", "token"] satisfies (keyof Context)[];

/** As it may be shown: without secrets, those within addresses included. */
export function shownContext({ description, ...rest }: Context): Context {
  // What it is called may well be somebody's address of another kind: ops@example.com.
  return { ...(description === undefined ? {} : { description }), ...redacted(rest, (name) => secrets.includes(name)) };
}
