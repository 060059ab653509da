import { baseConfigSchema } from "@nexus/runtime";
import { z } from "zod";

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** What the console reads from the environment, besides what every service reads. */
export const consoleConfigSchema = baseConfigSchema.extend({
  NEXUS_CONSOLE_HOST: z.string().min(1).default("127.0.0.1").describe("Address that the console's HTTP listens on"),
  NEXUS_CONSOLE_PORT: whole(0, 65_535).default(4_318).describe("Port of the console's HTTP; 0: a free one"),
  NEXUS_CONSOLE_URL: z
    .url({ protocol: /^https?$/, error: "must be the base URL that others reach the console at, such as http://console:4318" })
    .optional()
    .describe("Base URL that others reach the console at, as it is told on the bus; absent, host and port"),
  NEXUS_CONSOLE_TRACES_MAX: whole(1, 1_000_000).default(2_000).describe("Traces kept"),
  NEXUS_CONSOLE_TRACE_SPANS_MAX: whole(1, 1_000_000).default(1_000).describe("Spans kept of one trace"),
  NEXUS_CONSOLE_TRACE_BYTES_MAX: whole(1_048_576, 16 * 1_073_741_824)
    .default(67_108_864)
    .describe("Memory of all traces, estimated"),
  NEXUS_CONSOLE_RETENTION_MS: whole(1_000, 604_800_000).default(3_600_000).describe("How long a trace is kept"),
  NEXUS_CONSOLE_BODY_BYTES_MAX: whole(1_024, 67_108_864)
    .default(4_194_304)
    .describe("Bytes of one request's body, before and after it is unpacked"),
});
