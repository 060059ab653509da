import { z } from "zod";
import { limits } from "./limits.ts";

/**
 * Names that become tokens of NATS subjects. The pattern excludes `.`, `*`, `>`, white space, control characters,
 * upper case (so that no two names differ in case alone) and every look-alike outside ASCII.
 */
export const namePattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

const nameRule = `must match ${namePattern.source}: lower-case letters, digits, "_" and "-", at most ${limits.nameCharsMax} characters`;

export const nameSchema = z
  .string()
  .max(limits.nameCharsMax, nameRule)
  .regex(namePattern, nameRule)
  .meta({ id: "name", title: "Name", description: "A token of a subject: lower-case letters, digits, `_` and `-`" });

export const agentIdSchema = nameSchema;
export type AgentId = z.infer<typeof agentIdSchema>;

export const groupSchema = nameSchema;
export const connIdSchema = nameSchema;
export const routerIdSchema = nameSchema;
export const bootSchema = nameSchema.describe("Names this life of the agent; a restart takes a new one");

export const operationNamePattern = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
export const operationNameSchema = z
  .string()
  .max(128)
  .regex(operationNamePattern, `must match ${operationNamePattern.source}`)
  .meta({
    id: "operation-name",
    title: "Operation name",
    description: "The name of a handler at the agent, such as `search` or `index.rebuild`; it is never part of a subject",
  });

const labelValueSchema = z
  .string()
  .min(1)
  .max(limits.labelValueCharsMax)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  .regex(/^[^\u0000-\u001f\u007f]*$/, "must hold no control characters");

/** A record whose keys are names. zod's own leaves a key `__proto__` out without a word: a selector would mean more agents. */
export function recordByName<V extends z.ZodType>(values: V) {
  return z.preprocess(
    (value, context) => {
      if (typeof value === "object" && value !== null && Object.hasOwn(value, "__proto__")) {
        context.addIssue({ code: "custom", path: ["__proto__"], message: nameRule });
      }
      return value;
    },
    z.record(nameSchema, values),
  );
}

export const labelsSchema = recordByName(labelValueSchema)
  .refine((labels) => Object.keys(labels).length <= limits.labelsMax, `at most ${limits.labelsMax} labels`)
  .meta({
    id: "labels",
    title: "Labels",
    description: "Facts about an agent, by name, such as `zone` and `host`; no value holds control characters",
    maxProperties: limits.labelsMax,
  });
export type Labels = z.infer<typeof labelsSchema>;

/** https://github.com/ulid/spec */
export const requestIdPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
export const requestIdSchema = z
  .string()
  .regex(requestIdPattern, "must be a ULID: 26 characters of Crockford base 32 in upper case")
  .meta({
    id: "request-id",
    title: "Request id",
    description: "A ULID: 26 characters of Crockford base 32 in upper case; the first is at most 7",
  });
export type RequestId = z.infer<typeof requestIdSchema>;

export const operationIdPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}\/(0|[1-9][0-9]{0,5})$/;
export const operationIdSchema = z
  .string()
  .max(26 + 1 + 6)
  .regex(operationIdPattern, "must be <requestId>/<index>")
  .meta({
    id: "operation-id",
    title: "Operation id",
    description:
      "`<requestId>/<index>`: the same through all layers, routers and repeats, so that an agent can tell a repeat from new " +
      "work. The index counts the pieces or causal operations of a request; fan-outs have index 0",
  });
export type OperationId = z.infer<typeof operationIdSchema>;

export function operationIdOf(requestId: RequestId, index: number): OperationId {
  return `${requestId}/${index}`;
}

/** The two parts of a valid operation id. */
export function splitOperationId(operationId: OperationId): { requestId: RequestId; index: number } {
  return { requestId: operationId.slice(0, 26), index: Number(operationId.slice(27)) };
}
