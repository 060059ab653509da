import { goalTypes } from "./goal-types.ts";
import { limits } from "./limits.ts";
import { namePattern, operationIdPattern, operationNamePattern, requestIdPattern } from "./names.ts";
import { wireRange } from "./version.ts";

/**
 * Quick answers for what arrives thousands of times a second in its plainest form. What one of these accepts, its schema
 * accepts, too, and returns as it is; what it does not accept may be good or bad, and is the schema's to judge. They know
 * less than the schemas on purpose: fields that are seldom there are left to those.
 */
export type QuickCheck = (value: unknown) => boolean;

const isVersion: QuickCheck = (value) => isInteger(value, wireRange.min, wireRange.max);
const isCount: QuickCheck = (value) => isInteger(value, 0, limits.capacityMax);
const isMillis: QuickCheck = (value) => typeof value === "number" && value >= 0 && value <= limits.timeoutMsMax;
const isBoolean: QuickCheck = (value) => typeof value === "boolean";
const isGiven: QuickCheck = (value) => value !== undefined;
const isTrue: QuickCheck = (value) => value === true;
const isName = matching(namePattern);
const isOperationName = matching(operationNamePattern);
const isOperationId = matching(operationIdPattern);

/** `operationFrameSchema` */
export const isPlainOperation = objectOf(
  {
    v: isVersion,
    kind: oneOf("operation"),
    operationId: isOperationId,
    router: isName,
    operation: isOperationName,
    type: oneOf(...goalTypes),
    remainingMs: isMillis,
  },
  { payload: isGiven, reply: isBoolean },
);

const isPlainReply = objectOf(
  { v: isVersion, kind: oneOf("reply"), operationId: isOperationId, status: oneOf("ok"), inFlight: isCount, queueDepth: isCount },
  { value: isGiven, serviceTimeMs: isMillis },
);

/** `agentAnswerSchema` */
export const isPlainAnswer: QuickCheck = isPlainReply;

/** `connAnswerSchema` */
export const arePlainAnswers = objectOf(
  {
    v: isVersion,
    kind: oneOf("batch"),
    answers: listOf(objectOf({ agent: isName, answer: isPlainReply }, {}), limits.replyBatchMax),
  },
  {},
);

/** `requestSchema`, of a goal whose `type` is there. */
export const isPlainRequest = objectOf(
  {
    goal: objectOf({ type: oneOf("broadcast", "gather", "balance"), operation: isOperationName }, { payload: isGiven }),
    agents: either(objectOf({ group: isName }, {}), objectOf({ all: isTrue }, {})),
  },
  { id: matching(requestIdPattern), timeoutMs: (value) => isInteger(value, 1, limits.timeoutMsMax), idempotent: isBoolean },
);

function isInteger(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function matching(pattern: RegExp): QuickCheck {
  return (value) => typeof value === "string" && pattern.test(value);
}

function oneOf(...values: readonly string[]): QuickCheck {
  return values.length === 1 ? (value) => value === values[0] : (value) => values.includes(value as string);
}

function either(...checks: readonly QuickCheck[]): QuickCheck {
  return (value) => checks.some((check) => check(value));
}

/** Of at least one item. */
function listOf(check: QuickCheck, countMax: number): QuickCheck {
  return (value) => Array.isArray(value) && value.length > 0 && value.length <= countMax && value.every(check);
}

/** An object with all of the first fields, some of the second, and no other. */
function objectOf(required: Readonly<Record<string, QuickCheck>>, optional: Readonly<Record<string, QuickCheck>>): QuickCheck {
  const checks: Readonly<Record<string, QuickCheck>> = Object.assign(Object.create(null), required, optional);
  const optionalNames = Object.keys(optional);
  const requiredCount = Object.keys(required).length;
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
    const fields = value as Readonly<Record<string, unknown>>;
    let left = requiredCount;
    for (const name in fields) {
      const check = checks[name];
      if (check === undefined || !check(fields[name])) return false;
      if (!optionalNames.includes(name)) left--;
    }
    return left === 0;
  };
}
