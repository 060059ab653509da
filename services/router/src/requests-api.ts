import {
  decode,
  type ErrorBody,
  encode,
  failureSchema,
  fromErrorBody,
  type JsonValue,
  limits,
  NexusError,
  type OwnerQuestion,
  parseFrame,
  type RequestGet,
  type RequestReport,
  requestReportSchema,
  resultSchema,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Clock } from "@nexus/ports";
import type { Claims } from "./claims.ts";
import { type EndedRequest, endedBy } from "./ended-request.ts";
import type { RequestRegistry } from "./registry.ts";

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
}

const FORWARD_GRACE_MS = 2_000;

export class RequestsApi {
  readonly #deps: RequestsDeps;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  async get(id: string, get: RequestGet): Promise<RequestReport> {
    const own = await this.#ownReport(id, get);
    if (own !== undefined) return own;
    return (
      (await this.#fromOwner({ v: 1, verb: "get", id, get }, get.waitMs ?? 0)) ??
      (await this.#fromShared(id, get)) ??
      notFound(id)
    );
  }

  async cancel(id: string): Promise<RequestReport> {
    const running = this.#deps.registry.running(id);
    if (running !== undefined) {
      running.cancel();
      await running.ended.catch(() => {});
    }
    const own = await this.#ownReport(id, {});
    if (own !== undefined) return own;
    return (await this.#fromOwner({ v: 1, verb: "cancel", id }, 0)) ?? (await this.#fromShared(id, {})) ?? notFound(id);
  }

  /** What other routers ask of this one alone. */
  async own(question: OwnerQuestion): Promise<RequestReport> {
    const { registry } = this.#deps;
    const known = registry.known(question.id);
    if (known !== undefined && question.digest !== undefined && known.digest !== question.digest) {
      throw new NexusError("id-reused", `another request was made under ${question.id}; take a new id`, { field: "id" });
    }
    if (question.verb === "cancel") {
      const running = registry.running(question.id);
      running?.cancel();
      await running?.ended.catch(() => {});
    }
    return (await this.#ownReport(question.id, question.get ?? {})) ?? notFound(question.id);
  }

  /** The end of a request that another router owns. @throws NexusError `no-responders` where that one is dead */
  async askOwner(owner: string, id: string, digest: string, waitMs: number): Promise<EndedRequest> {
    const report = await this.#ask(
      owner,
      { v: 1, verb: "get", id, digest, get: { waitMs: Math.max(0, Math.floor(waitMs)) } },
      waitMs,
    );
    const { result } = report;
    if (result === undefined)
      throw new NexusError("timeout", `request ${id} still runs at router ${owner}`, { executed: "unknown" });
    return endedBy(result);
  }

  async #ownReport(id: string, get: RequestGet): Promise<RequestReport | undefined> {
    const { registry, routerId } = this.#deps;
    const running = registry.running(id);
    if (running !== undefined) {
      const ended = await this.#within(running.ended, get.waitMs ?? 0);
      if (ended === undefined) return { v: 1, id, type: running.type, state: "running", router: routerId };
      return this.#report(id, ended, get);
    }
    const ended = registry.ended(id);
    return ended === undefined ? undefined : this.#report(id, ended, get);
  }

  #within(ended: Promise<EndedRequest>, waitMs: number): Promise<EndedRequest | undefined> {
    if (waitMs <= 0) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const timer = this.#deps.clock.schedule(waitMs, () => resolve(undefined));
      ended.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #report(id: string, ended: EndedRequest, get: RequestGet): RequestReport {
    const base = { v: 1, id, type: ended.result.type, state: "done", router: this.#deps.routerId } as const;
    switch (get.part ?? "result") {
      case "result":
        return { ...base, result: ended.result };
      case "decision":
        if (ended.decision === undefined) throw new NexusError("not-found", `the decision record of ${id} is no longer kept`);
        return { ...base, decision: ended.decision };
      case "rows":
        return { ...base, ...this.#page(ended.rows, get, "rows") };
      case "missing":
        return { ...base, ...this.#page(ended.missing, get, "missing") };
    }
  }

  /** As many rows as asked for and as fit one message. */
  #page<T>(rows: readonly T[], get: RequestGet, part: "rows" | "missing") {
    const offset = get.offset ?? 0;
    let page = rows.slice(offset, offset + (get.limit ?? limits.pageRowsMax));
    const bytesMax = this.#deps.bus.maxPayloadBytes - 4_096;
    while (page.length > 1 && encode(page).byteLength > bytesMax) page = page.slice(0, Math.ceil(page.length / 2));
    const next = offset + page.length;
    return { [part]: page, total: rows.length, ...(next < rows.length && page.length > 0 ? { next } : {}) };
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
    if (shared === undefined) return undefined;
    return this.#report(id, endedBy(parseFrame(resultSchema, decode(shared), "shared result")), get);
  }
}

function failureIn(value: JsonValue): ErrorBody | undefined {
  const parsed = failureSchema.safeParse(value);
  return parsed.success ? parsed.data.error : undefined;
}

function notFound(id: string): never {
  throw new NexusError("not-found", `no router knows request ${id}; results are kept for some minutes`, { field: "id" });
}
