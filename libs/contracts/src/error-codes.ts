/**
 * Errors come in three families, and the family says what the caller should do:
 * - `rejected`: the caller's fault; the same request will be refused again. Correct it.
 * - `unavailable`: nothing wrong with the request; try again later, after `retryAfterMs` where it is given.
 * - `defect`: an invariant of ours broke; report it. A process that meets one inside crashes.
 */
export type ErrorFamily = "rejected" | "unavailable" | "defect";

interface CodeMeaning {
  readonly family: ErrorFamily;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  /** The number in `Nats-Service-Error-Code`; HTTP's meanings, as NATS tools show them. */
  readonly natsCode: number;
  readonly meaning: string;
  /** What whoever gets it should do. */
  readonly remedy: string;
}

const rejected = (natsCode: number, meaning: string, remedy: string) =>
  ({ family: "rejected", retryable: false, natsCode, meaning, remedy }) as const satisfies CodeMeaning;
const unavailable = (natsCode: number, meaning: string, remedy: string) =>
  ({ family: "unavailable", retryable: true, natsCode, meaning, remedy }) as const satisfies CodeMeaning;

/** Every error code of the wire. Codes are added, never renamed: callers branch on them. */
export const errorCodes = {
  malformed: rejected(
    400,
    "The body is no valid JSON or MessagePack, or holds what JSON cannot say",
    "Correct the encoding; the message says what was met",
  ),
  "invalid-field": rejected(
    400,
    "A field has a wrong type, a wrong value, or is missing",
    "Correct the field that `field` names",
  ),
  "unknown-field": rejected(
    400,
    "A client's body has a field that does not exist",
    "Remove the field that `field` names, or correct its spelling",
  ),
  "too-large": rejected(
    413,
    "A body, an answer or a result has more bytes than one message carries",
    "Send less, or have the answers reduced further",
  ),
  "too-deep": rejected(400, "A document is nested deeper than `depthMax`", "Flatten it"),
  "unsupported-content-type": rejected(
    415,
    "`Content-Type` names an encoding that is not understood",
    "Send `application/json` or `application/msgpack`, or no header for JSON",
  ),
  "unsupported-version": rejected(400, "`v` of a frame is not understood", "Bring both sides to releases whose wire ranges meet"),
  "deadline-past": rejected(408, "`deadline` had passed when the request came", "Compare the clocks, or send `timeoutMs`"),
  "no-targets": rejected(
    404,
    "No agent matches `agents`, or none of those offers the operation",
    "Ask `nexus.router.agents` who is there; start the agents, or correct the request",
  ),
  "id-reused": rejected(409, "The id belongs to a request or operation with another body", "Take a new id"),
  "not-found": rejected(
    404,
    "No router knows the id, or what was asked of it is no longer kept",
    "Correct the id; results are kept for `NEXUS_ROUTER_RETENTION_MS`",
  ),
  "not-implemented": rejected(501, "This release does not do it", "Leave the option out, or use a newer release"),
  "promise-not-kept": rejected(
    422,
    "No layer up to `maxLayer` keeps what the goal promises",
    "Raise `maxLayer`, or give up more in `degrade`",
  ),
  "unknown-operation": rejected(404, "The agent has no handler of that name", "Correct `operation`, or name other agents"),
  "handler-failed": rejected(
    500,
    "The agent's handler threw an error that has no code",
    "Read the message and the agent's log; the handler may have done part of its work",
  ),
  "other-boot": rejected(
    409,
    "The agent restarted since the operation was first sent to it",
    "Find out what its earlier life did before sending the work again",
  ),
  "causal-gap": rejected(
    409,
    "The agent never ran an operation that this one is after, or has run one that is after this one",
    'Find out whether the effect is wanted without its cause; then send it without `after`, or allow `"unordered"` in `degrade`',
  ),
  cancelled: rejected(499, "Somebody cancelled the request, or gave up waiting", "Nothing, where it was meant"),
  expired: unavailable(408, "The work's time was up before it ran", "Allow more time, or add agents"),
  timeout: unavailable(
    408,
    "No answer came in time",
    "Send the request again under the same id: it joins what runs, or gets its result",
  ),
  incomplete: unavailable(
    504,
    "Something was reached, but not what the goal asked for",
    'Read `agents.missing`; allow `"partial"` in `degrade` where a part will do',
  ),
  "no-quorum": unavailable(
    503,
    "A vote ended without a decision: silent voters could still tip it",
    "Read `agents.missing`; ask again when they are back",
  ),
  "no-responders": unavailable(503, "Nobody listens on the subject", "Start a router, and compare the subjects' prefixes"),
  "no-answer": unavailable(504, "No agent answered with success", "Read `agents.missing` for the reason of each"),
  disconnected: unavailable(503, "The connection to NATS is not there", "Wait: it reconnects by itself; or correct the address"),
  overloaded: unavailable(429, "A bound is reached", "Wait `retryAfterMs`, then try again"),
  draining: unavailable(503, "The router or agent is stopping", "Send it again: another one takes it"),
  "unknown-outcome": {
    family: "unavailable",
    retryable: false,
    natsCode: 504,
    meaning: "The router or agent that had the work is gone; what it did is not known",
    remedy: "Look at the effects, or say `idempotent` where running twice does no harm",
  },
  "store-unavailable": unavailable(503, "The shared memory does not answer", "Start Redis, or correct `REDIS_URL`"),
  internal: {
    family: "defect",
    retryable: false,
    natsCode: 500,
    meaning: "An invariant of Nexus broke",
    remedy: "Report it, with the message and the log",
  },
} as const satisfies Record<string, CodeMeaning>;

export type ErrorCode = keyof typeof errorCodes;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** The number for NATS service statistics and the `Nats-Service-Error-Code` header. */
export function natsCodeOf(code: string): number {
  return isErrorCode(code) ? errorCodes[code].natsCode : 500;
}
