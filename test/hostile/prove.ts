import { type CodecName, decode, type ErrorCode, type JsonValue, natsCodeOf } from "@nexus/contracts";
import { expect } from "vitest";
import { type HarmlessCase, outgoingOf, type RefusedCase, type Sent } from "./case.ts";
import type { Incoming } from "./wire.ts";
import { services, until, type World } from "./world.ts";

/** What every case has to show, whatever it sends. */

type Document = Readonly<Record<string, JsonValue | undefined>>;

/** Answers carry no other headers than these, so that nothing of a request can become one. */
const answerHeaders =
  /^NATS\/1\.0\r\n(?:(?:Content-Type|Nats-Service-Error|Nats-Service-Error-Code): [^\p{Cc}\p{Cf}]*\r\n)*\r\n$/u;

/** The refusal, that nothing ran for it and nobody was hurt, and that its legal variant works. */
export async function proveRefused(world: World, item: RefusedCase): Promise<void> {
  for (const sent of item.before ?? []) await carriedOut(world, sent, "completed");
  const [runsBefore, errorsBefore] = [world.runs.length, world.log.errors.length];
  const answer = await world.wire.request(outgoingOf(item.send));
  expectRefusal(answer, item.code, item.field);
  await proveHealthy(world);
  const ids = await carriedOut(world, item.control, item.ends ?? "completed");
  // Operations reach an agent in the order in which the router published them, so what the refused one caused is here.
  expect(world.runs.slice(runsBefore).filter(({ operationId }) => !ids.includes(operationId.slice(0, 26)))).toEqual([]);
  expect(world.log.errors.slice(errorsBefore)).toEqual([]);
}

/** The result that its plain variant would have, with so many calls of handlers. */
export async function proveHarmless(world: World, item: HarmlessCase): Promise<void> {
  for (const sent of item.before ?? []) await carriedOut(world, sent, "completed");
  const [runsBefore, errorsBefore] = [world.runs.length, world.log.errors.length];
  const answer = await world.wire.request(outgoingOf(item.send));
  expect(documentOf(answer)).toMatchObject(item.result);
  await until("its handlers were called", () => world.runs.length - runsBefore >= item.runs);
  await proveHealthy(world);
  expect(world.runs.length - runsBefore).toBe(item.runs);
  expect(world.log.errors.slice(errorsBefore)).toEqual([]);
}

export async function proveHealthy(world: World): Promise<void> {
  const answers = await Promise.all(services.map((service) => world.wire.request({ subject: `nexus.${service}.health` })));
  expect(answers.map((answer) => documentOf(answer)["status"])).toEqual(services.map(() => "ready"));
}

function expectRefusal(answer: Incoming, code: ErrorCode, field: string | undefined): void {
  const { executed = "none", error } = documentOf(answer) as { executed?: string; error?: Document };
  expect({ code: error?.["code"], field: error?.["field"], executed, also: error?.["executed"] }).toEqual({
    code,
    field,
    executed: "none",
    also: "none",
  });
  if (answer.header === "") return; // a result that failed, whose error is in it alone
  expect(answer.header).toMatch(answerHeaders);
  expect(answer.header).toContain(`Nats-Service-Error-Code: ${natsCodeOf(code)}\r\n`);
}

/** @returns the ids of the requests that may have run */
export async function carriedOut(
  world: World,
  sent: Sent,
  ends: NonNullable<RefusedCase["ends"]> | "completed",
): Promise<string[]> {
  const document = documentOf(await world.wire.request(outgoingOf(sent)));
  const { id, status, router, node, error } = document as {
    id?: string;
    status?: string;
    router?: string;
    node?: string;
    error?: Document;
  };
  const ended = status ?? (router === undefined && node === undefined ? error?.["code"] : "report");
  expect(ended, JSON.stringify(document).slice(0, 500)).toBe(ends);
  return id === undefined ? [] : [id];
}

export function documentOf(answer: Incoming): Document {
  const codec: CodecName = /Content-Type: application\/msgpack/.test(answer.header) ? "msgpack" : "json";
  return decode(answer.data, codec) as Document;
}
