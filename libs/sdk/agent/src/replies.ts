import {
  type AgentAnswer,
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  contentTypes,
  encode,
  limits,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Clock, Logger, Telemetry, Timer } from "@nexus/ports";

/**
 * Answers on their way out. A connection with one agent sends each at once on the agent's own subject; one with several
 * puts those that are ready together into one frame per router and codec, so that no slow agent holds up another's.
 *
 * Invariants
 * R1. An answer waits at most `lingerMs`, or until the next turn of the event loop.
 * R2. No frame is larger than the bus carries, or holds more than a router reads.
 * R3. What waits is bounded by one frame per router and codec: a frame that is full goes at once.
 * R4. An answer that cannot be sent is counted and logged; the agent's window keeps it for the router's repeat.
 */

interface Entry {
  readonly agent: string;
  readonly answer: AgentAnswer;
}

interface Batch {
  readonly router: string;
  readonly codec: CodecName;
  answers: Entry[];
  bytes: number;
}

export interface RepliesDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly connId: string;
  readonly lingerMs: number;
  readonly agentCount: () => number;
}

/** For headers and the frame around the answers. */
const FRAME_BYTES = 512;
const headersOf = {
  json: {},
  msgpack: { headers: { [CONTENT_TYPE_HEADER]: contentTypes.msgpack } },
} as const satisfies Record<CodecName, object>;

/** Bytes that a frame of this connection may have. */
export function frameBytesMax(bus: Pick<Bus, "maxPayloadBytes">): number {
  return Math.min(bus.maxPayloadBytes, limits.frameBytesMax) - FRAME_BYTES;
}

export class Replies {
  readonly #deps: RepliesDeps;
  readonly #pending = new Map<string, Batch>();
  #timer: Timer | undefined;
  /** Whether the last answer could not be sent: one outage is one warning. */
  #failing = false;

  constructor(deps: RepliesDeps) {
    this.#deps = deps;
  }

  /** @param bytes about what the answer takes */
  send(agent: string, router: string, codec: CodecName, answer: AgentAnswer, bytes: number): void {
    const { agentCount, subjects, clock, lingerMs, bus } = this.#deps;
    if (agentCount() <= 1) {
      this.#publish(subjects.agentReply(agent, router), encode(answer, codec), codec, 1);
      return;
    }
    const key = `${codec} ${router}`;
    let batch = this.#pending.get(key);
    if (batch === undefined) {
      batch = { router, codec, answers: [], bytes: 0 };
      this.#pending.set(key, batch);
    }
    batch.answers.push({ agent, answer });
    batch.bytes += bytes;
    if (batch.answers.length >= limits.replyBatchMax || batch.bytes >= frameBytesMax(bus)) {
      this.#pending.delete(key);
      this.#publishBatch(batch.router, codec, batch.answers); // R3
    } else this.#timer ??= clock.schedule(lingerMs, () => this.flush());
  }

  /** Sends everything that is ready, now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batches = [...this.#pending.values()];
    this.#pending.clear();
    for (const { router, codec, answers } of batches) this.#publishBatch(router, codec, answers);
  }

  /** Halves a batch until each part fits a message (R2); an answer was checked to fit alone. */
  #publishBatch(router: string, codec: CodecName, answers: readonly Entry[]): void {
    const bytes = encode({ v: 1, kind: "batch", answers }, codec);
    if (answers.length > 1 && bytes.byteLength > frameBytesMax(this.#deps.bus)) {
      const half = answers.length >> 1;
      this.#publishBatch(router, codec, answers.slice(0, half));
      this.#publishBatch(router, codec, answers.slice(half));
    } else this.#publish(this.#deps.subjects.connReply(this.#deps.connId, router), bytes, codec, answers.length);
  }

  #publish(subject: string, bytes: Uint8Array, codec: CodecName, count: number): void {
    const { bus, telemetry, logger } = this.#deps;
    try {
      bus.publish(subject, bytes, headersOf[codec]);
      this.#failing = false;
    } catch (error) {
      telemetry.count("framesDropped", count, { [attributes.reason]: "reply-unsent" });
      if (!this.#failing) logger.warn({ subject, err: error }, "answers cannot be sent now; repeats will get them"); // R4
      this.#failing = true;
    }
  }
}
