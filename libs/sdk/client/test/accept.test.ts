/** `accept`: subscription before publication, order and gaps of events, the end, the result. */
import { describe, expect, test } from "vitest";
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
