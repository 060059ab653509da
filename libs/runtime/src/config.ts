import { NexusError, namePattern, nameSchema, redacted } from "@nexus/contracts";
import { z } from "zod";

/**
 * Configuration comes from the environment, is validated whole at the start, and can be printed without its secrets.
 *
 * Invariants
 * E1. Every fault is told at once, each with its variable's name and what it should be; no fault shows a value.
 * E2. An empty variable counts as absent, as Compose passes `${X:-}`.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

const secret = z.string().min(1).optional();
const addressPattern = /^(?:nats|tls|ws|wss):\/\/[^\s/]+$/;
const listOf = (text: string): string[] => text.split(",").map((item) => item.trim());

/** OpenTelemetry's own variables, as far as they are understood here. */
export const telemetryConfigSchema = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be the base URL of an OTLP/HTTP receiver, such as http://127.0.0.1:4318" })
    .optional()
    .describe("Where traces and metrics go (OTLP/HTTP); absent, nothing is recorded"),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url({ protocol: /^https?$/, error: "must be the whole URL that traces go to, such as http://127.0.0.1:4318/v1/traces" })
    .optional()
    .describe("Where traces go instead, as a whole URL; alone, metrics are not recorded"),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of the traces begun here that are recorded")
    .meta({ unit: "0–1" }),
});

/** NATS clients' own inboxes. */
export const DEFAULT_REPLY_PREFIXES: readonly string[] = ["_INBOX."];

/** What every service reads. Units are last in the names. */
export const baseConfigSchema = z.object({
  NEXUS_NATS_URL: z
    .string()
    .refine((text) => listOf(text).every((address) => addressPattern.test(address)), {
      error: "must be nats://host:port (or tls, ws, wss), several with commas",
    })
    .default("nats://127.0.0.1:4222")
    .describe("NATS servers, several with commas"),
  NEXUS_NATS_USER: z.string().min(1).optional().describe("User for NATS"),
  NEXUS_NATS_PASSWORD: secret.describe("Password for NATS"),
  NEXUS_NATS_TOKEN: secret.describe("Token for NATS"),
  NEXUS_NATS_CREDS: z.string().min(1).optional().describe("Path of a .creds file for NATS"),
  NEXUS_PREFIX: z
    .string()
    .max(100)
    .refine((text) => text.split(".").every((token) => namePattern.test(token)), {
      error: "must be names of lower-case letters, digits, _ and -, with dots between them",
    })
    .default("nexus")
    .describe("First tokens of every subject"),
  NEXUS_REPLY_PREFIXES: z
    .string()
    .refine((text) => listOf(text).every((prefix) => /^[A-Za-z0-9_$.-]+\.$/.test(prefix)), {
      error: "must be subject prefixes that end with a dot, such as _INBOX., several with commas",
    })
    .default(DEFAULT_REPLY_PREFIXES.join(","))
    .describe("Inboxes that clients may ask answers at, with commas; each ends with a dot"),
  NEXUS_INSTANCE: nameSchema.optional().describe("Name of this process, unique among its replicas; absent, a random one"),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: "must be redis://host:port or rediss://host:port" })
    .optional()
    .describe("Redis, the shared memory of replicas; without it each process has its own"),
  NEXUS_LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least level that is logged"),
  NEXUS_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).default(0).describe("Port of GET /healthz and /readyz; 0 is off"),
  NEXUS_HEALTH_HOST: z.string().min(1).optional().describe("Address that the health port listens on; absent, every one"),
  NEXUS_DRAIN_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(600_000)
    .default(2_500)
    .describe("Time of each step of stopping to finish what runs")
    .meta({ unit: "ms" }),
  ...telemetryConfigSchema.shape,
});
export type BaseConfig = z.infer<typeof baseConfigSchema>;

/** @throws NexusError `invalid-field`, naming every variable that is wrong and what it should be */
export function loadConfig<T extends z.ZodType>(schema: T, environment: Environment): z.output<T> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    return given[name] === undefined ? `${name} is missing: set it` : `${name}: ${message}`; // E1
  });
  throw new NexusError("invalid-field", `correct the environment; ${faults.join("; ")}`, {
    field: String(parsed.error.issues[0]?.path[0] ?? ""),
  });
}

/** The values of a list variable such as `NEXUS_REPLY_PREFIXES`. */
export function configList(text: string): readonly string[] {
  return listOf(text).filter((item) => item !== "");
}

/**
 * One warning for each variable that begins with `NEXUS_` and is not in the schema: most are misspelt, and would
 * otherwise be ignored without a word. Values are not shown.
 */
export function unknownVariables(schema: z.ZodObject, environment: Environment): string[] {
  const known = Object.keys(schema.shape);
  return Object.keys(environment)
    .filter((name) => name.startsWith("NEXUS_") && environment[name] !== "" && !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return `${name} is no variable of this service and is ignored${near === undefined ? "" : `; did you mean ${near}?`}`;
    });
}

const secretNames = /PASSWORD|TOKEN|SECRET/;

/** The configuration as it may be logged: secrets and the credentials within URLs are left out. */
export function describeConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redacted(config, (name) => secretNames.test(name));
}

/** A Markdown table of a schema's variables: name, default, unit, meaning. */
export function configTable(schema: z.ZodObject): string {
  const rows = Object.entries(schema.shape).map(([name, field]) => {
    const type = field as z.ZodType;
    const absent = type.safeParse(undefined);
    const fallback = !absent.success ? "required" : absent.data === undefined ? "–" : `\`${String(absent.data)}\``;
    const unit = type.meta()?.["unit"] ?? unitOf(name);
    return `| \`${name}\` | ${fallback} | ${String(unit)} | ${(type.description ?? "").replaceAll("|", "\\|")} |`;
  });
  return ["| variable | default | unit | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

function unitOf(name: string): string {
  if (name.endsWith("_MS")) return "ms";
  return /_BYTES(?:_MAX)?$/.test(name) ? "bytes" : "–";
}

/** The known name with the fewest edits, if they are few enough to be a slip. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = editsBetween(name, candidate);
    if (edits <= name.length / 4 && (best === undefined || edits < best.edits)) best = { name: candidate, edits };
  }
  return best?.name;
}

/** Levenshtein's distance, by rows: O(|a|·|b|). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
