import { NexusError } from "@nexus/contracts";
import { z } from "zod";

/** Configuration comes from the environment, is validated whole at the start, and can be printed without its secrets. */

const port = z.coerce.number().int().min(0).max(65_535);
const secret = z.string().min(1).optional();

/** What every service reads. Units are in the names. */
export const baseConfigSchema = z.object({
  NEXUS_NATS_URL: z.string().default("nats://127.0.0.1:4222").describe("NATS servers, several with commas"),
  NEXUS_NATS_USER: z.string().min(1).optional().describe("User for NATS"),
  NEXUS_NATS_PASSWORD: secret.describe("Password for NATS"),
  NEXUS_NATS_TOKEN: secret.describe("Token for NATS"),
  NEXUS_NATS_CREDS: z.string().min(1).optional().describe("Path of a .creds file for NATS"),
  NEXUS_PREFIX: z.string().default("nexus").describe("First tokens of every subject"),
  NEXUS_REPLY_PREFIXES: z
    .string()
    .default("_INBOX.")
    .describe("Inboxes that clients may ask answers at, with commas; each ends with a dot"),
  REDIS_URL: z.url().optional().describe("Redis, the shared memory of replicas; without it each process has its own"),
  NEXUS_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least level that is logged"),
  NEXUS_HEALTH_PORT: port.default(0).describe("Port of GET /healthz and /readyz; 0 is off"),
  NEXUS_DRAIN_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(2_000)
    .describe("Time to finish what runs when stopping"),
});
export type BaseConfig = z.infer<typeof baseConfigSchema>;

const secretNames = /PASSWORD|TOKEN|SECRET/;

/**
 * Reads and checks the environment. An empty variable counts as absent.
 * @throws NexusError `invalid-field`, naming every variable that is wrong and what it should be
 */
export function loadConfig<T extends z.ZodType>(
  schema: T,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<T> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  const [first] = parsed.error.issues;
  throw new NexusError("invalid-field", `the environment is not valid; ${faults.join("; ")}`, {
    field: String(first?.path[0] ?? ""),
  });
}

/** The configuration as it may be logged: secrets and credentials within URLs are left out. */
export function redacted(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (value !== undefined && secretNames.test(name)) return [name, "***"];
      return [name, typeof value === "string" ? value.replace(/\/\/[^@/\s,]*@/g, "//***@") : value];
    }),
  );
}

/** A Markdown table of a schema's variables: name, default, meaning. */
export function configTable(schema: z.ZodObject): string {
  const rows = Object.entries(schema.shape).map(([name, field]) => {
    const type = field as z.ZodType;
    const absent = type.safeParse(undefined);
    const fallback = absent.success && absent.data !== undefined ? `\`${String(absent.data)}\`` : "–";
    return `| \`${name}\` | ${fallback} | ${type.description ?? ""} |`;
  });
  return ["| variable | default | meaning |", "|---|---|---|", ...rows].join("\n");
}
