/** Log lines: one JSON object each, with trace ids, errors with their codes, and without secrets. */
import { NexusError } from "@nexus/contracts";
import { expect, test } from "vitest";
import { createLogger } from "../src/index.ts";

function lines(traceId?: () => string | undefined) {
  const written: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void written.push(JSON.parse(line) as Record<string, unknown>) };
  const options = { service: "test", level: "info", fileDescriptor: 1 as const, destination };
  return { written, logger: createLogger(traceId === undefined ? options : { ...options, traceId }) };
}

test("a line names the service and carries its fields; lower levels are left out", () => {
  const { written, logger } = lines();
  logger.debug({}, "unseen");
  logger.child({ router: "r1" }).info({ agents: 3 }, "ready");
  expect(written).toEqual([expect.objectContaining({ service: "test", router: "r1", agents: 3, msg: "ready" })]);
  expect(written[0]).not.toHaveProperty("traceId");
});

test("the current trace's id is in every line that is written within one", () => {
  let traceId: string | undefined;
  const { written, logger } = lines(() => traceId);
  logger.info({}, "outside");
  traceId = "ab".repeat(16);
  logger.info({}, "inside");
  expect(written.map((line) => line["traceId"])).toEqual([undefined, traceId]);
});

test("secrets are left out at any of three depths", () => {
  const { written, logger } = lines();
  logger.info({ password: "geheim", nats: { token: "geheim", user: { pass: "geheim" } } }, "connecting");
  logger.info({ config: { NEXUS_NATS_PASSWORD: "geheim" }, headers: { authorization: "geheim" } }, "configured");
  expect(written).toHaveLength(2);
  expect(JSON.stringify(written)).not.toContain("geheim");
});

test("an error is written with its code and stack", () => {
  const { written, logger } = lines();
  logger.error({ err: new NexusError("timeout", "too late") }, "failed");
  expect(written[0]?.["err"]).toMatchObject({
    code: "timeout",
    message: "too late",
    stack: expect.stringContaining("NexusError"),
  });
});
