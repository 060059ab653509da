/**
 * What `coordinate` sends, repeats, returns and throws, against a scripted router on the memory bus. Time is real and
 * short; nothing waits for a fixed time.
 */
import { NexusError } from "@nexus/contracts";
import { describe, expect, test } from "vitest";
import type { RequestOf } from "../src/index.ts";
import { ID, refusal, resultFor, scripted, subjects } from "./scripted-router.ts";

const gather: RequestOf<"gather"> = {
  goal: { type: "gather", operation: "search" },
  agents: { group: "shards" },
  timeoutMs: 3_000,
};
const onGather = subjects.coordinate("gather");

async function errorOf(promise: Promise<unknown>): Promise<NexusError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof NexusError)) throw new Error(`no NexusError: ${String(error)}`);
  return error;
}

describe("before sending", () => {
  const table: [string, object, string, string][] = [
    ["an unknown field", { ...gather, tiemoutMs: 3 }, "unknown-field", "tiemoutMs"],
    ["a wrong agent id", { ...gather, agents: { ids: ["a.>"] } }, "invalid-field", "agents.ids.0"],
    ["both timeouts", { ...gather, deadline: Number.MAX_SAFE_INTEGER }, "invalid-field", "deadline"],
    ["a deadline that is past", { ...gather, timeoutMs: undefined, deadline: 5 }, "deadline-past", "deadline"],
    ["accept mode", { ...gather, mode: "accept" }, "invalid-field", "mode"],
    ["an unknown goal", { ...gather, goal: { type: "dance" } }, "invalid-field", "goal.type"],
  ];
  test.each(table)("%s is refused by name, and nothing is sent", async (_, request, code, field) => {
    const { client, heard, on } = scripted();
    on(">", () => undefined);
    const error = await errorOf(client.coordinate(request as RequestOf<"gather">));
    expect({ code: error.code, field: error.field }).toEqual({ code, field });
    expect(heard).toEqual([]);
  });
});

describe("the answer", () => {
  test("a completed result is returned; the request had a ULID and its content type", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }) => resultFor("gather", body["id"]));
    const result = await client.coordinate(gather);
    expect(result.status).toBe("completed");
    expect(result.id).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(heard[0]?.headers["Content-Type"]).toBe("application/json");
  });

  test("MessagePack both ways", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }) => resultFor("gather", body["id"]));
    const result = await client.coordinate({ ...gather, id: ID }, { codec: "msgpack" });
    expect(result.id).toBe(ID);
    expect(heard[0]?.headers["Content-Type"]).toBe("application/msgpack");
    expect(heard[0]?.body["goal"]).toEqual(gather.goal);
  });

  test.each(["partial", "failed"] as const)("a %s result is returned, not thrown", async (status) => {
    const { client, on } = scripted();
    const error = { code: "incomplete", message: "too few", retryable: true, executed: "some" } as const;
    on(onGather, ({ body }) => resultFor("gather", body["id"], { status, executed: "some", error }));
    expect((await client.coordinate(gather)).status).toBe(status);
  });

  test("a refusal is thrown with its code and field, once", async () => {
    const { client, heard, on } = scripted();
    on(onGather, () => refusal("no-targets", { field: "agents.group" }));
    const error = await errorOf(client.coordinate(gather));
    expect([error.code, error.field, error.executed]).toEqual(["no-targets", "agents.group", "none"]);
    expect(heard).toHaveLength(1);
  });

  test("what is no result is refused as such", async () => {
    const { client, on } = scripted();
    on(onGather, () => ({ v: 1, router: "r1", status: "great" }));
    expect((await errorOf(client.coordinate(gather))).code).toBe("invalid-field");
  });
});

describe("retries", () => {
  test("refusals that may pass are followed by the same id and body", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }, count) =>
      count < 3 ? refusal(count === 1 ? "draining" : "overloaded") : resultFor("gather", body["id"]),
    );
    const result = await client.coordinate(gather);
    expect(heard.map(({ body }) => body["id"])).toEqual([result.id, result.id, result.id]);
    const { timeoutMs: first, ...before } = heard[0]?.body ?? {};
    const { timeoutMs: last, ...after } = heard[2]?.body ?? {};
    expect(after).toEqual(before);
    expect(last).toBeLessThan(Number(first));
  });

  test("retryAfterMs is kept", async () => {
    const { client, on } = scripted();
    const at: number[] = [];
    on(onGather, ({ body }, count) => {
      at.push(performance.now());
      return count === 1 ? refusal("overloaded", { retryAfterMs: 600 }) : resultFor("gather", body["id"]);
    });
    await client.coordinate(gather);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(595);
  });

  test("nobody listens yet, then somebody does", async () => {
    const { client, on } = scripted();
    const pending = client.coordinate(gather);
    on(onGather, ({ body }) => resultFor("gather", body["id"]));
    expect((await pending).status).toBe("completed");
  });

  test("nobody listens at all: no-responders, within the request's time", async () => {
    const { client } = scripted();
    const error = await errorOf(client.coordinate({ ...gather, timeoutMs: 300 }));
    expect([error.code, error.executed]).toEqual(["no-responders", "none"]);
  });

  test("silence, asked again under the same id", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }, count) => (count === 1 ? undefined : resultFor("gather", body["id"])));
    const result = await client.coordinate(gather, { attemptTimeoutMs: 50 });
    expect(heard.map(({ body }) => body["id"])).toEqual([result.id, result.id]);
  });

  test("a connection that breaks while the answer is awaited: asked again when it is back", async () => {
    const { client, cut, heard, on } = scripted();
    on(onGather, ({ body }, count) => {
      if (count > 1) return resultFor("gather", body["id"]);
      cut();
      return undefined;
    });
    const result = await client.coordinate(gather);
    expect(heard.map(({ body }) => body["id"])).toEqual([result.id, result.id]);
  });

  test.each([
    ["nobody is there any more", "no-responders", { retries: 2 }],
    ["it is refused", "draining", { retries: 1 }],
  ] as const)("after an attempt that may have been executed, the error does not deny it where %s", async (_, code, options) => {
    const { client, cut, on } = scripted();
    const first = on(onGather, () => {
      first.unsubscribe();
      if (code === "draining") on(onGather, () => refusal("draining"));
      cut();
      return undefined;
    });
    const error = await errorOf(client.coordinate({ ...gather, timeoutMs: 1_000 }, options));
    expect([error.code, error.executed]).toEqual([code, "unknown"]);
  });

  test("an answer lost for the whole time is fetched by id", async () => {
    const { client, on } = scripted();
    on(onGather, () => undefined);
    on(subjects.everyRequestGet, () => ({ v: 1, id: ID, state: "done", router: "r1", result: resultFor("gather", ID) }));
    expect((await client.coordinate({ ...gather, id: ID, timeoutMs: 50 }, { retries: 0 })).id).toBe(ID);
  });

  const passing = { code: "no-quorum", message: "not now", retryable: true, executed: "none" } as const;
  test("a failed result that executed nothing and may pass is tried again", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }, count) =>
      resultFor("gather", body["id"], count === 1 ? { status: "failed", executed: "none", error: passing } : {}),
    );
    expect((await client.coordinate(gather)).status).toBe("completed");
    expect(heard).toHaveLength(2);
  });

  test("and returned when it does not pass, or is only told again", async () => {
    const { client, heard, on } = scripted();
    on(onGather, ({ body }, count) =>
      resultFor("gather", body["id"], { status: "failed", executed: "none", error: passing, repeated: count > 1 }),
    );
    const result = await client.coordinate(gather);
    expect([result.status, result.repeated, heard.length]).toEqual(["failed", true, 2]);
  });

  test("an unknown fate is never tried again", async () => {
    const { client, heard, on } = scripted();
    on(onGather, () => refusal("unknown-outcome", { executed: "unknown" }));
    const error = await errorOf(client.coordinate(gather));
    expect([error.code, error.executed, heard.length]).toEqual(["unknown-outcome", "unknown", 1]);
  });

  test("the signal ends the wait as `cancelled`", async () => {
    const { client, on } = scripted();
    const canceller = new AbortController();
    on(onGather, () => canceller.abort());
    expect((await errorOf(client.coordinate(gather, { signal: canceller.signal }))).code).toBe("cancelled");
  });
});
