import { baseConfigSchema } from "@nexus/runtime";
import { z } from "zod";
import { consoleDefaults } from "./service.ts";

/** Where senders of OTLP/HTTP look for a receiver; within another program a free one will do. */
const OTLP_HTTP_PORT = 4_318;

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** What the console reads from the environment, besides what every service reads. */
export const consoleConfigSchema = baseConfigSchema.extend({
  NEXUS_CONSOLE_HOST: z.string().min(1).default(consoleDefaults.host).describe("Address that the console's HTTP listens on"),
  NEXUS_CONSOLE_PORT: whole(0, 65_535).default(OTLP_HTTP_PORT).describe("Port of the console's HTTP; 0: a free one"),
  NEXUS_CONSOLE_URL: z
    .url({ protocol: /^https?$/, error: "must be the base URL that others reach the console at, such as http://console:4318" })
    .optional()
    .describe("Base URL that others reach the console at, as it is told on the bus; absent, host and port"),
  NEXUS_CONSOLE_TRACES_MAX: whole(1, 1_000_000).default(consoleDefaults.tracesMax).describe("Traces kept"),
  NEXUS_CONSOLE_TRACE_SPANS_MAX: whole(1, 1_000_000)
    .default(consoleDefaults.spansPerTraceMax)
    .describe("Spans kept of one trace"),
  NEXUS_CONSOLE_TRACE_BYTES_MAX: whole(1_048_576, 16 * 1_073_741_824)
    .default(consoleDefaults.bytesMax)
    .describe("Memory of all traces, estimated"),
  NEXUS_CONSOLE_RETENTION_MS: whole(1_000, 604_800_000).default(consoleDefaults.retentionMs).describe("How long a trace is kept"),
  NEXUS_CONSOLE_BODY_BYTES_MAX: whole(1_024, 67_108_864)
    .default(consoleDefaults.bodyBytesMax)
    .describe("Bytes of one request's body, before and after it is unpacked"),
});
