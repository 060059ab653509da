import {
  decode,
  type ErrorBody,
  encode,
  failureSchema,
  fromErrorBody,
  type JsonValue,
  NexusError,
  type OwnerQuestion,
  parseFrame,
  type RequestGet,
  type RequestReport,
  requestReportSchema,
  type Subjects,
  WIRE_VERSION,
} from "@nexus/contracts";
import type { Bus, Clock } from "@nexus/ports";
import type { Admission } from "./admission.ts";
import type { Claims } from "./claims.ts";
import { type EndedRequest, endedRequestFrom } from "./ended-request.ts";
import { contentBytesMax } from "./message-bytes.ts";
import { pageOf } from "./pages.ts";
import type { RequestRegistry } from "./registry.ts";
import { endedRequestIn } from "./results.ts";

/**
 * What is asked of a request by its id: its result, pages, decision, and to cancel it. Any router answers; one that does
 * not own the request asks the owner, and where the owner is gone what the shared memory holds.
 */

export interface RequestsDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly routerId: string;
  readonly registry: RequestRegistry;
  readonly claims: Claims;
  /** Of those who wait for a running request to end. */
  readonly waiters: Admission;
}

const FORWARD_GRACE_MS = 1_000;
/** What runs here ends at once when it is cancelled; what is awaited from another router takes the way there and back. */
const CANCELLED_WITHIN_MS = 2_000;

export class RequestsApi {
  readonly #deps: RequestsDeps;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  async get(id: string, get: RequestGet): Promise<RequestReport> {
    const own = await this.#ownReport(id, get);
    if (own !== undefined) return own;
    return (
      (await this.#fromOwner({ v: WIRE_VERSION, verb: "get", id, get }, get.waitMs ?? 0)) ??
      (await this.#fromShared(id, get)) ??
      notFound(id)
    );
  }

  async cancel(id: string): Promise<RequestReport> {
    await this.#cancelHere(id);
    const own = await this.#ownReport(id, {});
    if (own !== undefined) return own;
    return (
      (await this.#fromOwner({ v: WIRE_VERSION, verb: "cancel", id }, 0)) ?? (await this.#fromShared(id, {})) ?? notFound(id)
    );
  }

  /** What other routers ask of this one alone. */
  async own(question: OwnerQuestion): Promise<RequestReport> {
    const { registry } = this.#deps;
    const known = registry.known(question.id);
    if (known !== undefined && question.digest !== undefined && known.digest !== question.digest) {
      throw new NexusError("id-reused", `another request was made under ${question.id}; take a new id`, { field: "id" });
    }
    if (question.verb === "cancel") await this.#cancelHere(question.id);
    return (await this.#ownReport(question.id, question.get ?? {})) ?? notFound(question.id);
  }

  /**
   * The end of a request that another router owns; undefined where it has not told it within `waitMs`.
   * @throws NexusError `no-responders` or `not-found` where that router is dead
   */
  async askOwner(owner: string, id: string, digest: string, waitMs: number): Promise<EndedRequest | undefined> {
    const question: OwnerQuestion = {
      v: WIRE_VERSION,
      verb: "get",
      id,
      digest,
      get: { waitMs: Math.max(0, Math.floor(waitMs)) },
    };
    try {
      const { result } = await this.#ask(owner, question, waitMs);
      return result === undefined ? undefined : endedRequestFrom(result);
    } catch (error) {
      // Its answer was lost, or it died while it was asked: the next question will tell.
      if (error instanceof NexusError && error.code === "timeout") return undefined;
      throw error;
    }
  }

  async #cancelHere(id: string): Promise<void> {
    const running = this.#deps.registry.running(id);
    if (running === undefined) return;
    running.cancel();
    // How it ended is read from the registry; a refusal leaves nothing there.
    await this.#endsWithin(id, CANCELLED_WITHIN_MS);
  }

  /** Ends a request that another router owns. @throws NexusError where that one is dead, or does not answer in time */
  async cancelAt(owner: string, id: string): Promise<void> {
    await this.#ask(owner, { v: WIRE_VERSION, verb: "cancel", id }, 0);
  }

  async #ownReport(id: string, get: RequestGet): Promise<RequestReport | undefined> {
    const { registry, routerId } = this.#deps;
    const running = registry.running(id);
    if (running !== undefined) {
      if (!(await this.#awaited(id, get.waitMs ?? 0))) {
        return { v: WIRE_VERSION, id, type: running.type, state: "running", router: routerId };
      }
      const ended = await running.ended;
      // It was awaited from its owner, who has the pages.
      if (!ended.whole && get.part !== undefined && get.part !== "result") return undefined;
      return this.#report(id, ended, get);
    }
    const ended = registry.ended(id);
    return ended === undefined ? undefined : this.#report(id, ended, get);
  }

  /** As `endsWithin`, for callers who may wait long. @throws NexusError `overloaded` where too many do */
  async #awaited(id: string, waitMs: number): Promise<boolean> {
    if (waitMs <= 0) return false;
    const leave = this.#deps.waiters.enter();
    return this.#endsWithin(id, waitMs).finally(leave);
  }

  /** Whether the running request ends in this time. */
  #endsWithin(id: string, waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (ended: boolean) => {
        timer.cancel();
        forget();
        resolve(ended);
      };
      const timer = this.#deps.clock.schedule(waitMs, () => end(false));
      const forget = this.#deps.registry.onEnd(id, () => end(true));
    });
  }

  #report(id: string, ended: EndedRequest, get: RequestGet): RequestReport {
    const base = { v: WIRE_VERSION, id, type: ended.result.type, state: "done", router: this.#deps.routerId } as const;
    switch (get.part ?? "result") {
      case "result":
        return { ...base, result: ended.result };
      case "decision":
        if (ended.decision === undefined) throw new NexusError("not-found", `the decision record of ${id} is no longer kept`);
        return { ...base, decision: ended.decision };
      case "rows":
        return { ...base, ...this.#page("rows", ended.rows, get, ended.rowsTotal) };
      case "missing":
        return { ...base, ...this.#page("missing", ended.missing, get, ended.missingTotal) };
    }
  }

  #page<T>(part: "rows" | "missing", items: readonly T[], get: RequestGet, total: number) {
    const { page, ...rest } = pageOf(items, get, contentBytesMax(this.#deps.bus), total);
    return { [part]: page, ...rest };
  }

  async #fromOwner(question: OwnerQuestion, waitMs: number): Promise<RequestReport | undefined> {
    const owner = await this.#deps.claims.ownerOf(question.id);
    if (owner === undefined || owner === this.#deps.routerId) return undefined;
    try {
      return await this.#ask(owner, question, waitMs);
    } catch (error) {
      if (error instanceof NexusError && (error.code === "no-responders" || error.code === "not-found")) return undefined;
      throw error;
    }
  }

  async #ask(owner: string, question: OwnerQuestion, waitMs: number): Promise<RequestReport> {
    const { bus, subjects } = this.#deps;
    const reply = await bus.request(subjects.routerRequests(owner), encode(question), {
      timeoutMs: Math.max(0, waitMs) + FORWARD_GRACE_MS,
    });
    const value = decode(reply.data);
    const failure = failureIn(value);
    if (failure !== undefined) throw fromErrorBody(failure);
    return parseFrame(requestReportSchema, value, "request report");
  }

  async #fromShared(id: string, get: RequestGet): Promise<RequestReport | undefined> {
    const shared = await this.#deps.claims.sharedResult(id);
    return shared === undefined ? undefined : this.#report(id, endedRequestIn(shared), get);
  }
}

function failureIn(value: JsonValue): ErrorBody | undefined {
  const parsed = failureSchema.safeParse(value);
  return parsed.success ? parsed.data.error : undefined;
}

function notFound(id: string): never {
  throw new NexusError("not-found", `no router knows request ${id}; results are kept for some minutes`, { field: "id" });
}
