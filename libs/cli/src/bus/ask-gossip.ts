import {
  createSubjects,
  encode,
  errorBodySchema,
  fromErrorBody,
  isJsonObject,
  type JsonValue,
  limits,
  NexusError,
  parseFrame,
} from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { askOnce } from "./ask-once.ts";

type Verb = "put" | "get" | "members" | "converged";
type FrameSchema = Parameters<typeof parseFrame>[0];

/** Beyond what the question itself takes. */
const ANSWER_MS = limits.timeoutMsDefault;

/**
 * One question to whichever node of the gossip service takes it.
 * @param takesMs how long the node was told to take
 * @throws NexusError what the node refuses; `no-responders` with what to do where none is there
 */
export async function askGossip<T extends FrameSchema>(
  { bus, prefix }: { readonly bus: Bus; readonly prefix: string },
  verb: Verb,
  schema: T,
  body: JsonValue = {},
  takesMs = 0,
): Promise<ReturnType<typeof parseFrame<T>>> {
  const subject = createSubjects(prefix).service("gossip", verb);
  const answer = await askOnce(bus, subject, encode(body), takesMs + ANSWER_MS).catch((error: unknown) => {
    throw error instanceof NexusError && error.code === "no-responders" ? noGossip(subject, error) : error;
  });
  const refusal = isJsonObject(answer) ? answer["error"] : undefined;
  if (refusal !== undefined) throw fromErrorBody(parseFrame(errorBodySchema, refusal, "the node's error"));
  return parseFrame(schema, answer, "the node's answer");
}

function noGossip(subject: string, cause: NexusError): NexusError {
  const remedy = "start the gossip service (nexus up, or node services/gossip/src/main.ts), or name its --prefix";
  return new NexusError("no-responders", `nobody listens on ${subject}: ${remedy}`, { cause });
}
