/** Configuration: every fault at once with its name, misspelt names, printing without secrets, the documentation's table. */
import { NexusError } from "@nexus/contracts";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { baseConfigSchema, configList, configTable, describeConfig, loadConfig, unknownVariables } from "../src/index.ts";

function faultOf(environment: Record<string, string>, schema: z.ZodType = baseConfigSchema): NexusError {
  try {
    loadConfig(schema, environment);
  } catch (error) {
    if (error instanceof NexusError) return error;
    throw error;
  }
  throw new Error("the environment was accepted");
}

describe("loadConfig", () => {
  test("defaults, and an empty variable counts as absent", () => {
    const config = loadConfig(baseConfigSchema, { REDIS_URL: "", NEXUS_HEALTH_PORT: "", HOME: "/" });
    expect(config).toEqual({
      NEXUS_NATS_URL: "nats://127.0.0.1:4222",
      NEXUS_PREFIX: "nexus",
      NEXUS_REPLY_PREFIXES: "_INBOX.",
      NEXUS_LOG_LEVEL: "info",
      NEXUS_HEALTH_PORT: 0,
      NEXUS_DRAIN_TIMEOUT_MS: 2_500,
      OTEL_TRACES_SAMPLER_ARG: 1,
    });
  });

  test("E1: every fault is told at once, by name, without the values", () => {
    const error = faultOf({
      NEXUS_NATS_URL: "http://me:geheim@x",
      NEXUS_PREFIX: "nexus.*",
      NEXUS_REPLY_PREFIXES: "_INBOX",
      NEXUS_INSTANCE: "No!",
      REDIS_URL: "http://:geheim@x",
      NEXUS_HEALTH_PORT: "70000",
      NEXUS_DRAIN_TIMEOUT_MS: "soon",
      OTEL_TRACES_SAMPLER_ARG: "2",
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector",
    });
    expect(error.code).toBe("invalid-field");
    for (const name of [
      "NEXUS_NATS_URL: must be nats://host:port",
      "NEXUS_PREFIX",
      "NEXUS_REPLY_PREFIXES",
      "NEXUS_INSTANCE",
      "REDIS_URL: must be redis://host:port",
      "NEXUS_HEALTH_PORT",
      "NEXUS_DRAIN_TIMEOUT_MS",
      "OTEL_TRACES_SAMPLER_ARG",
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]) {
      expect(error.message).toContain(name);
    }
    expect(error.message).not.toContain("geheim");
  });

  test("a required variable that is missing is said to be missing", () => {
    expect(faultOf({}, baseConfigSchema.extend({ NEXUS_DATA_DIR: z.string() })).message).toContain("NEXUS_DATA_DIR is missing");
  });

  test.each(["nats://a:4222", "nats://a:4222, tls://me:p%40@b:4222", "ws://a"])("%s names NATS servers", (url) => {
    expect(loadConfig(baseConfigSchema, { NEXUS_NATS_URL: url }).NEXUS_NATS_URL).toBe(url);
  });
});

test("a misspelt variable is told with its nearest name; others' variables are not looked at", () => {
  const warnings = unknownVariables(baseConfigSchema, {
    NEXUS_NATS_URLS: "nats://me:geheim@x",
    NEXUS_SOMETHING_ELSE_ENTIRELY: "1",
    NEXUS_PREFIX: "nexus",
    NATS_URL: "x",
  });
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/^NEXUS_NATS_URLS .* did you mean NEXUS_NATS_URL\?$/);
  expect(warnings[1]).not.toContain("did you mean");
  expect(warnings.join()).not.toContain("geheim");
});

test("the printed configuration has neither secrets nor credentials of addresses", () => {
  const config = loadConfig(baseConfigSchema, {
    NEXUS_NATS_URL: "nats://me:geheim@a:4222,nats://me:ge@heim@b:4222",
    NEXUS_NATS_PASSWORD: "geheim",
    NEXUS_NATS_TOKEN: "geheim",
    REDIS_URL: "redis://:geheim@r:6379/0",
  });
  const shown = describeConfig(config);
  expect(JSON.stringify(shown)).not.toContain("heim");
  expect(shown["NEXUS_NATS_URL"]).toBe("nats://***@a:4222,nats://***@b:4222");
  expect(shown["REDIS_URL"]).toBe("redis://***@r:6379/0");
  expect(shown["NEXUS_DRAIN_TIMEOUT_MS"]).toBe(2_500);
});

test("the table has a row for each variable, with default, unit and meaning", () => {
  const lines = configTable(baseConfigSchema).split("\n");
  expect(lines[0]).toBe("| variable | default | unit | meaning |");
  expect(lines).toHaveLength(2 + Object.keys(baseConfigSchema.shape).length);
  expect(lines).toContain("| `NEXUS_DRAIN_TIMEOUT_MS` | `2500` | ms | Time of each step of stopping to finish what runs |");
  expect(lines.every((line) => !line.endsWith("|  |"))).toBe(true); // every variable says what it is
  expect(configTable(z.object({ A_BYTES_MAX: z.number().describe("a|b") }))).toContain(
    "| `A_BYTES_MAX` | required | bytes | a\\|b |",
  );
});

test("lists are split at commas", () => {
  expect(configList("_INBOX., _R_.,")).toEqual(["_INBOX.", "_R_."]);
});
