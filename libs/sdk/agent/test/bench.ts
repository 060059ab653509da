import { createMemoryBroker } from "@nexus/adapter-memory";
import {
  type AgentAnswer,
  type AgentFrame,
  agentAnswerSchema,
  CONTENT_TYPE_HEADER,
  type CodecName,
  codecOf,
  connAnswerSchema,
  contentTypes,
  createSubjects,
  decode,
  encode,
  type JsonValue,
  type MetricName,
  type OperationFrame,
  parseFrame,
  type ReplyFrame,
  subjectToken,
} from "@nexus/contracts";
import { type Attributes, noTelemetry, type SpanOptions, type Telemetry } from "@nexus/ports";
import { createSeededIds, createVirtualClock } from "@nexus/testing";
import { type ConnectionOptions, createConnection } from "../src/index.ts";

/** A connection under test, and routers by hand, on a bus within the process; time moves only when a test moves it. */

export const subjects = createSubjects();
export const REQUEST = "01JD0000000000000000000000";

export interface Answered {
  readonly subject: string;
  readonly codec: CodecName;
  readonly agent: string;
  readonly router: string;
  readonly answer: AgentAnswer;
  readonly bytes: number;
}

export interface Told {
  readonly subject: string;
  readonly body: { [key: string]: JsonValue };
}

export function operation(index: number, more: Partial<OperationFrame> = {}): OperationFrame {
  const operationId = `${REQUEST}/${index}`;
  return { v: 1, kind: "operation", operationId, router: "r1", operation: "echo", type: "gather", remainingMs: 1_000, ...more };
}

export async function bench(options: Partial<ConnectionOptions> & { maxPayloadBytes?: number } = {}) {
  const { maxPayloadBytes, ...rest } = options;
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock, ...(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }) });
  const [bus, routerBus] = [broker.connect({ name: "agents" }), broker.connect({ name: "router" })];
  const answers: Answered[] = [];
  const told: Told[] = [];
  const counts: { metric: MetricName; amount: number; attributes: Attributes }[] = [];
  const spans: { options: SpanOptions; ended: string | undefined | null }[] = [];
  const errors: Error[] = [];
  bus.onError((error) => errors.push(error));
  const telemetry: Telemetry = {
    ...noTelemetry,
    extract: (headers) => (headers["traceparent"] === undefined ? undefined : { traceId: headers["traceparent"] }),
    count: (metric, amount, attributes = {}) => void counts.push({ metric, amount, attributes }),
    record: (metric, amount, attributes = {}) => void counts.push({ metric, amount, attributes }),
    startSpan: (_name, spanOptions) => {
      const span = { options: spanOptions, ended: null as string | undefined | null };
      spans.push(span);
      const end = (errorType?: string) => {
        span.ended = errorType;
      };
      return { context: { traceId: "own" }, set() {}, event() {}, end };
    },
  };
  routerBus.subscribe("nexus.*.*.out.reply.*", ({ subject, data, headers }) => {
    const codec = codecOf(headers[CONTENT_TYPE_HEADER]);
    const more = { subject, codec, router: subjectToken(subjects, subject, 4), bytes: data.byteLength };
    const body = decode(data, codec);
    const rows = subject.startsWith("nexus.agents.")
      ? [{ agent: subjectToken(subjects, subject, 1), answer: parseFrame(agentAnswerSchema, body, "answer") }]
      : parseFrame(connAnswerSchema, body, "batch").answers;
    for (const row of rows) answers.push({ ...more, ...row });
  });
  for (const what of ["hello", "heartbeat", "bye"]) {
    routerBus.subscribe(`nexus.*.*.out.${what}`, ({ subject, data }) => {
      told.push({ subject, body: decode(data) as Told["body"] });
    });
  }
  const connection = await createConnection(
    { connId: "c1", ...rest },
    {
      bus,
      clock,
      ids: createSeededIds(1),
      telemetry,
      processGauge: { read: () => ({ cpu: 0.5, memory: 0.25, eventLoopDelayMs: 1 }) },
    },
  );
  /** Until nothing is under way but what waits for time. */
  const settle = async () => {
    for (let round = 0; round < 4; round++) {
      await broker.idle();
      clock.advance(0);
    }
    await broker.idle();
  };
  const publish = (subject: string, frame: unknown, codec: CodecName = "json", headers: Record<string, string> = {}) =>
    routerBus.publish(subject, encode(frame, codec), { headers: { [CONTENT_TYPE_HEADER]: contentTypes[codec], ...headers } });
  const send = async (agent: string, ...frames: AgentFrame[]) => {
    for (const frame of frames) publish(subjects.agentIn(agent), frame);
    await settle();
  };
  const replies = () => answers.flatMap(({ answer }) => (answer.kind === "reply" ? [answer] : [])) as ReplyFrame[];
  const counted = (metric: MetricName, reason?: string) =>
    counts
      .filter((count) => count.metric === metric && (reason === undefined || count.attributes["nexus.reason"] === reason))
      .reduce((sum, count) => sum + count.amount, 0);
  const heard = (what: string) => told.filter(({ subject }) => subject.endsWith(`.out.${what}`));
  return {
    clock,
    broker,
    bus,
    routerBus,
    connection,
    answers,
    spans,
    counts,
    errors,
    settle,
    publish,
    send,
    replies,
    counted,
    heard,
  };
}

/** A promise and what resolves it. */
export function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
