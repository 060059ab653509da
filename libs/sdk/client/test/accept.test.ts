/** `accept`: subscription before publication, order and gaps of events, the end, the result; then reports and pages. */
import type { RequestEvent } from "@nexus/contracts";
import { describe, expect, test } from "vitest";
import { EventStream } from "../src/event-stream.ts";
import type { RequestOf } from "../src/index.ts";
import { ID, refusal, resultFor, scripted, subjects } from "./scripted-router.ts";

const request: RequestOf<"balance"> = {
  id: ID,
  goal: { type: "balance", operation: "index", pieces: [1, 2] },
  agents: { all: true },
  timeoutMs: 3_000,
};
const accepted = { v: 1, id: ID, type: "balance", status: "accepted", router: "r1", remainingMs: 3_000 };
const report = { v: 1, id: ID, type: "balance", router: "r1" };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("accept", () => {
  test("events that are sent before the acknowledgement are there, in order, and end after `finished`", async () => {
    const { client, heard, on, emit } = scripted();
    on(subjects.coordinate("balance"), () => {
      emit(0, "accepted");
      emit(1, "progress", { agent: "a1", fraction: 0.5 });
      emit(2, "finished", { status: "completed" });
      return accepted;
    });
    const coordination = await client.accept(request);
    expect(heard[0]?.body["mode"]).toBe("accept");
    expect(coordination.accepted.remainingMs).toBe(3_000);
    const events = await all(coordination.events);
    expect(events.map(({ seq, event }) => [seq, event])).toEqual([
      [0, "accepted"],
      [1, "progress"],
      [2, "finished"],
    ]);
    expect(coordination.events.missed).toBe(0);
  });

  test("a gap is counted, a repeat is dropped", async () => {
    const { client, on, emit } = scripted();
    on(subjects.coordinate("balance"), () => {
      for (const seq of [0, 1, 1, 4]) emit(seq, seq === 0 ? "accepted" : "answer");
      emit(5, "finished");
      return accepted;
    });
    const { events } = await client.accept(request);
    expect((await all(events)).map(({ seq }) => seq)).toEqual([0, 1, 4, 5]);
    expect(events.missed).toBe(2);
  });

  test("result waits while it runs, and survives a router that goes away", async () => {
    const { client, heard, on } = scripted();
    on(subjects.coordinate("balance"), () => accepted);
    const { result } = await client.accept(request);
    const pending = result();
    const gets = on(subjects.everyRequestGet, (_, count) => {
      if (count === 1) return { ...report, state: "running" };
      return { ...report, state: "done", result: resultFor("balance", ID) };
    });
    expect((await pending).status).toBe("completed");
    gets.unsubscribe();
    expect(heard.at(-1)?.body["waitMs"]).toBeGreaterThan(1_000);
  });

  test("cancel gives the report", async () => {
    const { client, on } = scripted();
    on(subjects.coordinate("balance"), () => accepted);
    on(subjects.everyRequestCancel, ({ subject }) => ({
      ...report,
      state: "done",
      result: resultFor("balance", subject.split(".")[2], { status: "partial" }),
    }));
    const coordination = await client.accept(request);
    expect((await coordination.cancel()).result?.status).toBe("partial");
  });

  test("a refusal is thrown and leaves no subscription; close ends open streams", async () => {
    const { client, routerBus, on } = scripted();
    const script = on(subjects.coordinate("balance"), () => refusal("no-targets"));
    await expect(client.accept(request)).rejects.toMatchObject({ code: "no-targets" });
    await expect(routerBus.request(subjects.requestEvents(ID), new Uint8Array(), { timeoutMs: 50 })).rejects.toMatchObject({
      code: "no-responders",
    });
    script.unsubscribe();
    on(subjects.coordinate("balance"), () => accepted);
    const { events } = await client.accept(request);
    const reading = all(events);
    await client.close();
    expect(await reading).toEqual([]);
  });
});

describe("the event stream", () => {
  const event = (seq: number, name: RequestEvent["event"] = "answer"): RequestEvent => ({
    v: 1,
    id: ID,
    seq,
    atMs: 0,
    event: name,
  });

  test("a reader that is behind loses the oldest, counted, and never the end", async () => {
    let closed = 0;
    const stream = new EventStream(3, () => closed++);
    for (let seq = 0; seq < 9; seq++) stream.push(event(seq));
    stream.push(event(9, "finished"));
    expect((await all(stream)).map(({ seq }) => seq)).toEqual([7, 8, 9]);
    expect([stream.dropped, stream.missed, closed]).toEqual([7, 0, 1]);
  });

  test("another router that takes over counts from 0 again", async () => {
    const stream = new EventStream(10, () => {});
    for (const next of [event(0, "accepted"), event(1), event(0, "accepted"), event(1), event(2, "finished")]) stream.push(next);
    expect((await all(stream)).map(({ seq }) => seq)).toEqual([0, 1, 0, 1, 2]);
    expect(stream.missed).toBe(0);
  });
});

describe("reports and pages", () => {
  const rows = Array.from({ length: 7 }, (_, index) => ({ index, status: "ok" as const, agent: `a${index}` }));
  const page = (offset: number) => ({ total: 7, ...(offset + 3 < 7 ? { next: offset + 3 } : {}) });

  test("rows and missing agents over all pages", async () => {
    const { client, heard, on } = scripted();
    on(subjects.everyRequestGet, ({ body }) => {
      const offset = Number(body["offset"] ?? 0);
      const slice = rows.slice(offset, offset + 3);
      const missing = slice.map(({ agent }) => ({ agent, reason: "slow" }));
      return { ...report, state: "done", ...(body["part"] === "rows" ? { rows: slice } : { missing }), ...page(offset) };
    });
    expect(await all(client.rows(ID))).toEqual(rows);
    expect((await all(client.missing(ID))).map(({ agent }) => agent)).toEqual(rows.map(({ agent }) => agent));
    expect(heard.map(({ body }) => body["offset"])).toEqual([0, 3, 6, 0, 3, 6]);
  });

  test("pages that lead nowhere end as malformed; a running request has none", async () => {
    const { client, on } = scripted();
    on(subjects.everyRequestGet, (_, count) =>
      count === 1 ? { ...report, state: "done", rows: [], total: 9, next: 0 } : { ...report, state: "running" },
    );
    await expect(all(client.rows(ID))).rejects.toMatchObject({ code: "malformed" });
    await expect(all(client.rows(ID))).rejects.toMatchObject({ code: "incomplete" });
  });

  test("agents, with the query on each page and no agent twice", async () => {
    const agent = (id: string) => ({
      agent: id,
      connId: "c1",
      state: "alive",
      groups: ["g"],
      labels: {},
      capacity: 4,
      operations: [],
      load: { inFlight: 0, queueDepth: 0, serviceTimeMs: 0 },
      inFlightHere: 0,
      lastSeenMsAgo: 1,
    });
    const { client, heard, on } = scripted();
    on(subjects.service("router", "agents"), ({ body }) => {
      const frame = { v: 1, router: "r1", tableVersion: 3, total: 3 };
      return body["offset"] === 0
        ? { ...frame, agents: [agent("a"), agent("b")], next: 2 }
        : { ...frame, agents: [agent("b"), agent("c")] };
    });
    expect((await all(client.agents({ group: "g" }))).map((row) => row.agent)).toEqual(["a", "b", "c"]);
    expect(heard.map(({ body }) => body["group"])).toEqual(["g", "g"]);
  });

  test("what a router refuses and what is no id are told", async () => {
    const { client, on } = scripted();
    on(subjects.everyRequestGet, () => ({
      v: 1,
      error: { code: "not-found", message: "no", retryable: false, executed: "none" },
    }));
    await expect(client.get(ID)).rejects.toMatchObject({ code: "not-found" });
    await expect(client.get("a.*")).rejects.toMatchObject({ code: "invalid-field", field: "id" });
  });
});
