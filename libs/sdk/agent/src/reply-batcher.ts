import {
  type AgentAnswer,
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  contentTypes,
  encode,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Clock, Logger, Telemetry, Timer } from "@nexus/ports";

/**
 * Answers on their way out. A connection with one agent sends each at once on the agent's own subject; one with several
 * puts those that are ready together into one frame per router, so that no slow agent holds up another's answer.
 */

interface Pending {
  readonly agent: string;
  readonly answer: AgentAnswer;
}

export interface ReplyBatcherDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly connId: string;
  readonly lingerMs: number;
  readonly agentCount: () => number;
}

/** Bytes for the frame around the answers. */
const FRAME_BYTES = 1_024;

export class ReplyBatcher {
  readonly #deps: ReplyBatcherDeps;
  /** By router and codec. */
  readonly #pending = new Map<string, { router: string; codec: CodecName; answers: Pending[] }>();
  #timer: Timer | undefined;

  constructor(deps: ReplyBatcherDeps) {
    this.#deps = deps;
  }

  send(agent: string, router: string, codec: CodecName, answer: AgentAnswer): void {
    if (this.#deps.agentCount() <= 1) {
      this.#publish(this.#deps.subjects.agentReply(agent, router), answer, codec);
      return;
    }
    const key = `${codec} ${router}`;
    const batch = this.#pending.get(key) ?? { router, codec, answers: [] };
    this.#pending.set(key, batch);
    batch.answers.push({ agent, answer });
    this.#timer ??= this.#deps.clock.schedule(this.#deps.lingerMs, () => this.flush());
  }

  /** Sends everything that is ready, now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batches = [...this.#pending.values()];
    this.#pending.clear();
    for (const { router, codec, answers } of batches) this.#publishBatch(router, codec, answers);
  }

  /** Halves a batch until each part fits a message; an answer was checked to fit alone. */
  #publishBatch(router: string, codec: CodecName, answers: readonly Pending[]): void {
    const frame = { v: 1, kind: "batch", answers };
    const bytes = encode(frame, codec);
    const half = Math.ceil(answers.length / 2);
    if (answers.length > 1 && (bytes.byteLength > this.#deps.bus.maxPayloadBytes - FRAME_BYTES || answers.length > 1_000)) {
      this.#publishBatch(router, codec, answers.slice(0, half));
      this.#publishBatch(router, codec, answers.slice(half));
    } else this.#publishBytes(this.#deps.subjects.connReply(this.#deps.connId, router), bytes, codec);
  }

  #publish(subject: string, frame: unknown, codec: CodecName): void {
    this.#publishBytes(subject, encode(frame, codec), codec);
  }

  #publishBytes(subject: string, bytes: Uint8Array, codec: CodecName): void {
    try {
      const headers = codec === "json" ? {} : { headers: { [CONTENT_TYPE_HEADER]: contentTypes[codec] } };
      this.#deps.bus.publish(subject, bytes, headers);
    } catch (error) {
      // The answer stays in the agent's window: the router's repeat fetches it.
      this.#deps.telemetry.count("framesDropped", 1, { [attributes.reason]: "reply-unsent" });
      this.#deps.logger.warn({ subject, err: error }, "an answer could not be sent; a repeat will get it");
    }
  }
}
