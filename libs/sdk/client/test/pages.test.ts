import { describe, expect, test } from "vitest";
import { ID, refusal, scripted, subjects } from "./scripted-router.ts";

/** Proves that lists come whole over all their pages, that pages which lead nowhere end, and what is no list says so. */

const report = { v: 1, id: ID, type: "balance", router: "r1" };

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

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

describe("pages", () => {
  test("a reader that leaves asks for no more", async () => {
    const { client, heard, on } = scripted();
    on(subjects.everyRequestGet, ({ body }) => ({
      ...{ ...report, state: "done", total: 99, next: Number(body["offset"] ?? 0) + 1 },
      rows: [{ index: Number(body["offset"] ?? 0), status: "ok" }],
    }));
    for await (const { index } of client.rows(ID)) if (index === 1) break;
    expect(heard).toHaveLength(2);
  });

  test("a refusal in the middle is thrown, after what came before it", async () => {
    const { client, on } = scripted();
    on(subjects.everyRequestGet, (_, count) =>
      count === 1 ? { ...report, state: "done", total: 2, next: 1, rows: [{ index: 0, status: "ok" }] } : refusal("not-found"),
    );
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const row of client.rows(ID)) seen.push(row);
    })();
    await expect(reading).rejects.toMatchObject({ code: "not-found" });
    expect(seen).toHaveLength(1);
  });

  test("pages without end are given up", async () => {
    const { client, on } = scripted();
    on(subjects.everyRequestGet, ({ body }) => ({
      ...{ ...report, state: "done", total: 0, rows: [], next: Number(body["offset"] ?? 0) + 1 },
    }));
    await expect(all(client.rows(ID))).rejects.toMatchObject({ code: "too-large" });
  });
});
