import {
  type CoordinationRequest,
  decode,
  encode,
  type GoalType,
  type Idempotency,
  limits,
  NexusError,
  parseFrame,
  type RequestEvent,
  requestIdentity,
  resultSchema,
  type Subjects,
} from "@nexus/contracts";
import type { Coordination, Engine } from "@nexus/engine";
import type { Bus, Clock, Ids, Logger, Telemetry, TraceContext } from "@nexus/ports";
import type { Claims } from "./claims.ts";
import { type EndedRequest, endedBy, repeated } from "./ended-request.ts";
import type { RequestRegistry } from "./registry.ts";
import { endedRequestOf } from "./results.ts";

/**
 * One request from acceptance to its result: idempotency, targets, engine, events.
 *
 * Invariants
 * Q1. A repeated id never executes anything a second time at this router; between routers as well as the claim allows,
 *     and the result says how well that was.
 * Q2. Nothing is published to agents before the id is claimed.
 * Q3. A request that was refused leaves nothing behind: its id can be used again.
 * Q4. One that failed without having executed anything, for a reason that may pass, is kept to be read, and tried anew
 *     when its id is sent again.
 */

export interface CoordinatorDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly routerId: string;
  readonly engine: Engine;
  readonly registry: RequestRegistry;
  readonly claims: Claims;
  /** Asks the owner of a request for its end. @throws NexusError `no-responders` where the owner is dead */
  readonly askOwner: (owner: string, id: string, digest: string, waitMs: number) => Promise<EndedRequest>;
}

/** A request under way, or an ended one that is told again. */
export interface Started {
  readonly id: string;
  readonly type: GoalType;
  readonly remainingMs: number;
  readonly ended: Promise<EndedRequest>;
}

const HEADROOM_BYTES = 4_096;

export class Coordinator {
  readonly #deps: CoordinatorDeps;

  constructor(deps: CoordinatorDeps) {
    this.#deps = deps;
  }

  /**
   * Begins, joins or repeats a request. Refusals come as a rejected `ended`.
   * @param trace of the span that stands for the request at this router
   */
  start(request: CoordinationRequest, trace: TraceContext): Started {
    const { clock, ids, registry } = this.#deps;
    const arrivedMs = clock.monotonicMs();
    const remainingMs = remainingOf(request, clock);
    const id = request.id ?? ids.requestId();
    const type = request.goal.type;
    const digest = request.id === undefined ? undefined : ids.digest(encode(canonical(requestIdentity(request))));
    const started = (ended: Promise<EndedRequest>): Started => ({ id, type, remainingMs, ended });
    let beginning = registry.begin(id, digest, arrivedMs);
    if (beginning.kind === "done" && cameToNothing(beginning.result)) {
      registry.forget(id);
      beginning = registry.begin(id, digest, arrivedMs); // Q4
    }
    switch (beginning.kind) {
      case "reused":
        throw new NexusError("id-reused", `another request was made under ${id}; take a new id`, { field: "id" });
      case "full":
        throw new NexusError("overloaded", "this router holds as many requests as it may; try again", { retryAfterMs: 250 });
      case "done":
        return started(Promise.resolve(repeated(beginning.result)));
      case "running": {
        const running = registry.running(id);
        if (running === undefined) throw new NexusError("internal", `request ${id} runs but is not known`);
        return started(running.ended.then(repeated));
      }
      case "new":
        break;
    }
    const deadlineMs = arrivedMs + remainingMs;
    const run: Run = { id, type, request, digest, arrivedMs, deadlineMs, trace, cancelled: false, coordination: undefined };
    // In a later microtask: a refusal must find the request registered, to take it out again (Q3).
    const ended = Promise.resolve(run).then((later) => this.#carry(later));
    registry.run(id, { type, digest, ended, cancel: () => cancel(run) });
    return started(ended);
  }

  async #carry(run: Run): Promise<EndedRequest> {
    const { registry, claims, clock } = this.#deps;
    let claimed = false;
    try {
      let idempotency: Idempotency = "unprotected";
      if (run.digest !== undefined) {
        const claim = await claims.claim(run.id, run.digest, run.deadlineMs - clock.monotonicMs(), () => registry.own(run.id));
        if (claim.kind === "reused") {
          throw new NexusError("id-reused", `another request was made under ${run.id}; take a new id`, { field: "id" });
        }
        if (claim.kind === "other") {
          const told = await this.#ownersEnd(run, run.digest, claim.owner, claim.ended);
          if (told !== undefined) {
            registry.forget(run.id);
            return repeated(told);
          }
          registry.own(run.id);
          idempotency = "claimed";
        } else idempotency = claim.idempotency;
        claimed = true;
      }
      const ended = await this.#execute(run, idempotency);
      registry.finish(run.id, ended, clock.monotonicMs());
      // Cut off, this router cannot know what its agents did: its claim stays, and whoever asks finds it back or gone.
      if (run.digest !== undefined && this.#deps.bus.connected) {
        if (cameToNothing(ended)) await claims.release(run.id);
        else await claims.finish(run.id, run.digest, ended.encoded);
      }
      return ended;
    } catch (error) {
      // Q3
      registry.forget(run.id);
      if (claimed) await claims.release(run.id);
      throw error;
    }
  }

  /** The end of a request that another router owns; undefined where that one is dead and this one takes over. */
  async #ownersEnd(run: Run, digest: string, owner: string, hasEnded: boolean): Promise<EndedRequest | undefined> {
    const { claims, clock, askOwner, logger } = this.#deps;
    if (hasEnded) {
      const shared = await claims.sharedResult(run.id);
      if (shared !== undefined) return endedBy(parseFrame(resultSchema, decode(shared), "shared result"));
    }
    try {
      return await askOwner(owner, run.id, digest, run.deadlineMs - clock.monotonicMs());
    } catch (error) {
      if (!(error instanceof NexusError) || (error.code !== "no-responders" && error.code !== "not-found")) throw error;
      logger.warn({ requestId: run.id, owner }, "the router that owned the request is gone");
    }
    const lost = new NexusError(
      "unknown-outcome",
      `router ${owner}, which owned ${run.id}, is gone; what it executed is not known`,
      {
        executed: "unknown",
      },
    );
    if (run.request.idempotent !== true) throw lost;
    if (!(await claims.takeOver(run.id, owner, digest, run.deadlineMs - clock.monotonicMs()))) throw lost;
    return undefined;
  }

  async #execute(run: Run, idempotency: Idempotency): Promise<EndedRequest> {
    const { engine, clock, bus, routerId } = this.#deps;
    const emit = this.#events(run);
    const coordination = engine.start({
      id: run.id,
      request: run.request,
      type: run.type,
      digest: run.digest,
      arrivedMs: run.arrivedMs,
      deadlineMs: run.deadlineMs,
      targets: engine.targetsOf(run.request),
      trace: run.trace,
      emit,
    });
    run.coordination = coordination;
    if (run.cancelled) coordination.cancel();
    const coordinated = await coordination.done;
    const ended = endedRequestOf(coordinated, {
      id: run.id,
      type: run.type,
      request: run.request,
      idempotency,
      durationMs: clock.monotonicMs() - run.arrivedMs,
      traceId: run.trace.traceId,
      routerId,
      bytesMax: bus.maxPayloadBytes - HEADROOM_BYTES,
    });
    const { responded, targeted } = ended.result.agents;
    emit({ event: "finished", status: ended.result.status, responded, targeted });
    return ended;
  }

  /** Numbers and publishes the events of a request in `accept` mode; nobody hears those of the others. */
  #events(run: Run): (event: Omit<RequestEvent, "v" | "id" | "seq" | "atMs">) => void {
    if (run.request.mode !== "accept") return () => {};
    const { bus, subjects, clock } = this.#deps;
    let seq = 0;
    const emit = (event: Omit<RequestEvent, "v" | "id" | "seq" | "atMs">) => {
      if (!bus.connected) return;
      const atMs = clock.monotonicMs() - run.arrivedMs;
      bus.publish(subjects.requestEvents(run.id), encode({ v: 1, id: run.id, seq: seq++, atMs, ...event }));
    };
    emit({ event: "accepted" });
    return emit;
  }
}

interface Run {
  readonly id: string;
  readonly type: GoalType;
  readonly request: CoordinationRequest;
  readonly digest: string | undefined;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly trace: TraceContext;
  cancelled: boolean;
  /** Once it executes. */
  coordination: Coordination | undefined;
}

function cancel(run: Run): void {
  if (run.cancelled) return;
  run.cancelled = true;
  run.coordination?.cancel();
}

function remainingOf(request: CoordinationRequest, clock: Clock): number {
  if (request.deadline === undefined) return request.timeoutMs ?? limits.timeoutMsDefault;
  const remainingMs = request.deadline - clock.epochMs();
  if (remainingMs <= 0) {
    throw new NexusError(
      "deadline-past",
      `the deadline was ${-remainingMs} ms ago; check the clocks, or send timeoutMs instead`,
      { field: "deadline" },
    );
  }
  return Math.min(remainingMs, limits.timeoutMsMax);
}

/** Q4 */
function cameToNothing({ result }: EndedRequest): boolean {
  return result.status === "failed" && result.executed === "none" && result.error?.retryable === true;
}

/** Keys in order, so that two spellings of one request have one digest. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== "object") return value;
  const sorted = Object.entries(value).filter(([, member]) => member !== undefined);
  sorted.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted.map(([key, member]) => [key, canonical(member)]);
}
