import {
  attributes,
  type CoordinationRequest,
  encodeText,
  type GoalType,
  type Idempotency,
  limits,
  NexusError,
  requestIdentity,
  type Subjects,
} from "@nexus/contracts";
import { canonicalText } from "@nexus/core-reducers";
import type { Coordinated, Coordination, Engine } from "@nexus/engine";
import type { Bus, Clock, Ids, Logger, Telemetry, TraceContext } from "@nexus/ports";
import type { ActivityFeed } from "./activity-feed.ts";
import type { Claims } from "./claims.ts";
import { type EndedRequest, repeated } from "./ended-request.ts";
import { contentBytesMax } from "./message-bytes.ts";
import type { RequestRegistry, RunningRequest } from "./registry.ts";
import { RequestRun } from "./request-run.ts";
import { defectiveRequest, endedRequestIn, endedRequestOf } from "./results.ts";

/**
 * One request from acceptance to its result: idempotency, targets, engine, events.
 *
 * Invariants
 * Q1. A repeated id never executes anything a second time at this router; between routers as well as the claim allows,
 *     and the result says how well that was.
 * Q2. Nothing is published to agents, and no event, before the id is claimed and the engine has taken the request.
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
  readonly activity: ActivityFeed;
  /**
   * Asks the owner of a request for its end; undefined where it still runs.
   * @throws NexusError `no-responders` or `not-found` where the owner is dead
   */
  readonly askOwner: (owner: string, id: string, digest: string, waitMs: number) => Promise<EndedRequest | undefined>;
  /** Has the owner of a request cancel it. */
  readonly cancelAt: (owner: string, id: string) => Promise<void>;
}

/** A request under way, or an ended one that is told again. */
export interface Started {
  readonly id: string;
  readonly type: GoalType;
  readonly remainingMs: number;
  /** Resolves when the request was not refused: it is executed here, or another router has it. Rejects as `ended` does. */
  readonly begun: Promise<void>;
  readonly ended: Promise<EndedRequest>;
}

/** One question to a request's owner: long enough to be rare, short enough to notice its death. */
const OWNER_WAIT_MS = 1_000;
const textEncoder = new TextEncoder();

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
    // A dry run leaves nothing behind: the real request may come under the same id.
    const named = request.id !== undefined && request.dryRun !== true;
    const digest = named ? ids.digest(textEncoder.encode(canonicalText(requestIdentity(request)))) : undefined;
    const run = new RequestRun({ id, request, digest, arrivedMs, remainingMs, trace }, this.#deps);
    if (request.dryRun === true) {
      run.ended = this.#dryRun(run);
      return run;
    }
    let beginning = registry.begin(id, digest, arrivedMs);
    if (beginning.kind === "done" && cameToNothing(beginning.result)) {
      registry.forget(id);
      beginning = registry.begin(id, digest, arrivedMs); // Q4
    }
    switch (beginning.kind) {
      case "reused":
        throw new NexusError("id-reused", `another request was made under ${id}; take a new id`, { field: "id" });
      case "full":
        this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "requests-running" });
        throw new NexusError("overloaded", "this router holds as many requests as it may; try again", { retryAfterMs: 250 });
      case "done":
        run.ended = Promise.resolve(repeated(beginning.result));
        return run;
      case "running": {
        const running = registry.running(id);
        if (running === undefined) throw new NexusError("internal", `request ${id} runs but is not known`);
        if (request.mode === "accept") running.tellEvents();
        const ended = this.#joined(running, id, remainingMs);
        // Who does not ask for the beginning does not hear that there was none.
        return {
          ...{ id, type: run.type, remainingMs, ended },
          get begun() {
            return running.begun;
          },
        };
      }
      case "new":
        break;
    }
    // First: a refusal must find the request registered, to take it out again (Q3).
    registry.run(id, run);
    run.ended = this.#carry(run);
    // Whoever waits for it handles the failure; with nobody waiting it must not count as unhandled.
    run.ended.catch(ignore);
    return run;
  }

  /** The end of a request that runs here, for one that came later and may wait less long. */
  async #joined(running: RunningRequest, id: string, remainingMs: number): Promise<EndedRequest> {
    const late = Promise.withResolvers<never>();
    const timer = this.#deps.clock.schedule(remainingMs, () =>
      late.reject(new NexusError("timeout", `request ${id} still runs; fetch it by its id`, { executed: "unknown" })),
    );
    try {
      return repeated(await Promise.race([running.ended, late.promise]));
    } finally {
      timer.cancel();
    }
  }

  async #dryRun(run: RequestRun): Promise<EndedRequest> {
    const targets = this.#deps.engine.targetsOf(run.request);
    const coordination = this.#begin(run, targets);
    run.cancels(coordination);
    try {
      return this.#endOf(run, await coordination.done, "unprotected");
    } catch (error) {
      return this.#defective(run, error, "unprotected");
    }
  }

  async #carry(run: RequestRun): Promise<EndedRequest> {
    const { registry, claims, clock, activity } = this.#deps;
    let claimed = false;
    let coordination: Coordination;
    let targets: Targets;
    let idempotency: Idempotency = "unprotected";
    try {
      if (run.digest !== undefined) {
        const claim = await this.#claim(run, run.digest);
        if ("told" in claim) {
          registry.forget(run.id);
          return repeated(claim.told);
        }
        claimed = true;
        idempotency = claim.idempotency;
      } else registry.own(run.id);
      targets = this.#deps.engine.targetsOf(run.request);
      coordination = this.#begin(run, targets);
    } catch (error) {
      // Q3
      registry.forget(run.id);
      if (claimed && run.digest !== undefined) await claims.release(run.id, run.digest);
      throw error;
    }
    run.begin();
    activity.began(run.id, run.request, targets.agents.length + targets.unknown.length, run.trace.traceId);
    if (run.followed) run.emit({ event: "accepted" });
    run.cancels(coordination);
    let ended: EndedRequest;
    try {
      ended = this.#endOf(run, await coordination.done, idempotency);
    } catch (error) {
      ended = this.#defective(run, error, idempotency);
    }
    if (run.followed) {
      const { responded, targeted } = ended.result.agents;
      run.emit({ event: "finished", status: ended.result.status, responded, targeted });
    }
    activity.ended(ended.result);
    registry.finish(run.id, ended, clock.monotonicMs());
    // Cut off, this router cannot know what its agents did: its claim stays, and whoever asks finds it back or gone.
    if (run.digest !== undefined && this.#deps.bus.connected) {
      // Not waited for: until the store has it, other routers ask this one.
      if (cameToNothing(ended)) void claims.release(run.id, run.digest);
      else void claims.finish(run.id, run.digest, encodeText(ended.json));
    }
    return ended;
  }

  /** Claims the id for this router, or brings the end that another one has told. */
  async #claim(
    run: RequestRun,
    digest: string,
  ): Promise<{ readonly idempotency: Idempotency } | { readonly told: EndedRequest }> {
    const { registry, claims, clock } = this.#deps;
    const remainingMs = run.deadlineMs - clock.monotonicMs();
    const claim = await claims.claim(run.id, digest, remainingMs, () => registry.own(run.id));
    if (claim.kind === "mine") return claim;
    if (claim.kind === "reused") {
      throw new NexusError("id-reused", `another request was made under ${run.id}; take a new id`, { field: "id" });
    }
    registry.awaitOther(run.id);
    run.cancels({ cancel: () => this.#cancelAt(claim.owner, run.id) });
    const ownersEnd = await this.#ownersEnd(run, digest, claim.owner, claim.ended);
    run.cancels(undefined);
    if ("idempotency" in ownersEnd) registry.own(run.id);
    return ownersEnd;
  }

  /**
   * The end of a request that has an owner; where that one is dead, this one takes over if it may. The owner may be this
   * very router, when the claim has outlived what it remembers of the request.
   */
  async #ownersEnd(
    run: RequestRun,
    digest: string,
    owner: string,
    hasEnded: boolean,
  ): Promise<{ readonly idempotency: Idempotency } | { readonly told: EndedRequest }> {
    const { routerId } = this.#deps;
    const isMine = owner === routerId;
    const shared = hasEnded || isMine ? await this.#sharedEnd(run.id) : undefined;
    const told = shared ?? (isMine ? undefined : await this.#toldByOwner(run, digest, owner));
    if (told !== undefined) return { told };
    const last = isMine ? undefined : await this.#sharedEnd(run.id);
    return last === undefined
      ? this.#takeOver(run, digest, { owner, hasEnded }, isMine ? "no longer remembers it" : "is gone")
      : { told: last };
  }

  /** Its end comes to whoever awaits it, so nobody waits for this. */
  #cancelAt(owner: string, id: string): void {
    this.#deps.cancelAt(owner, id).catch((error: unknown) => {
      this.#deps.logger.warn({ requestId: id, owner, err: error }, "the request's owner could not be told to cancel it");
    });
  }

  async #sharedEnd(id: string): Promise<EndedRequest | undefined> {
    const shared = await this.#deps.claims.sharedResult(id);
    return shared === undefined ? undefined : endedRequestIn(shared);
  }

  /** Undefined where the owner is dead. @throws NexusError `timeout` where it still runs at the deadline */
  async #toldByOwner(run: RequestRun, digest: string, owner: string): Promise<EndedRequest | undefined> {
    const { clock, askOwner, logger } = this.#deps;
    try {
      // Who only wants to know that it is under way need not wait for its end.
      let told = run.request.mode === "accept" ? await askOwner(owner, run.id, digest, 0) : undefined;
      if (run.request.mode === "accept") run.begin();
      // In slices: an owner that dies meanwhile is noticed at the next.
      while (told === undefined) {
        const leftMs = run.deadlineMs - clock.monotonicMs();
        if (leftMs <= 0) {
          throw new NexusError("timeout", `request ${run.id} still runs at router ${owner}`, { executed: "unknown" });
        }
        told = await askOwner(owner, run.id, digest, Math.min(leftMs, OWNER_WAIT_MS));
      }
      return told;
    } catch (error) {
      if (!(error instanceof NexusError) || (error.code !== "no-responders" && error.code !== "not-found")) throw error;
      logger.warn({ requestId: run.id, owner }, "the router that owned the request is gone");
      return undefined;
    }
  }

  /** Nobody knows what became of the request: it is executed anew only where that does no harm. */
  async #takeOver(
    run: RequestRun,
    digest: string,
    from: { readonly owner: string; readonly hasEnded: boolean },
    why: string,
  ): Promise<{ readonly idempotency: Idempotency }> {
    const { claims, clock } = this.#deps;
    if (run.request.idempotent === true) {
      const remainingMs = run.deadlineMs - clock.monotonicMs();
      const idempotency = await claims.takeOver(run.id, from.owner, digest, from.hasEnded, remainingMs);
      if (idempotency !== undefined) return { idempotency };
    }
    const message = `router ${from.owner}, which owned ${run.id}, ${why}; what it executed is not known`;
    throw new NexusError("unknown-outcome", message, { executed: "unknown" });
  }

  /** @throws NexusError what the engine refuses with: nothing was sent */
  #begin(run: RequestRun, targets: Targets): Coordination {
    return this.#deps.engine.start({
      id: run.id,
      request: run.request,
      type: run.type,
      digest: run.digest,
      arrivedMs: run.arrivedMs,
      deadlineMs: run.deadlineMs,
      targets,
      trace: run.trace,
      events: run,
    });
  }

  #endOf(run: RequestRun, coordinated: Coordinated, idempotency: Idempotency): EndedRequest {
    const { clock, bus, routerId } = this.#deps;
    const { id, type, request } = run;
    const durationMs = clock.monotonicMs() - run.arrivedMs;
    const { traceId } = run.trace;
    const bytesMax = contentBytesMax(bus);
    return endedRequestOf(coordinated, { id, type, request, idempotency, durationMs, traceId, routerId, bytesMax });
  }

  /** Agents may have run something, so that a defect, too, is an end that is kept (Q1). */
  #defective(run: RequestRun, error: unknown, idempotency: Idempotency): EndedRequest {
    const { clock, routerId, logger } = this.#deps;
    const { id, type } = run;
    logger.error({ requestId: id, err: error }, "a running request met a defect");
    const durationMs = clock.monotonicMs() - run.arrivedMs;
    return defectiveRequest(error, { id, type, idempotency, durationMs, traceId: run.trace.traceId, routerId });
  }
}

type Targets = ReturnType<Engine["targetsOf"]>;

function ignore(): void {}

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
  if (remainingMs <= limits.timeoutMsMax) return remainingMs;
  throw new NexusError("invalid-field", `the deadline is ${remainingMs} ms away; at most ${limits.timeoutMsMax} are allowed`, {
    field: "deadline",
  });
}

/** Q4 */
function cameToNothing({ result }: EndedRequest): boolean {
  return result.status === "failed" && result.executed === "none" && result.error?.retryable === true;
}
