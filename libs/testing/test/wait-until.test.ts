import { expect, it } from "vitest";
import { waitUntil } from "../src/index.ts";

it("gives the first truthy value", async () => {
  let polls = 0;
  expect(await waitUntil(() => (++polls === 3 ? "there" : undefined), { what: "the third poll" })).toBe("there");
  expect(polls).toBe(3);
});

it("says what did not come, and why", async () => {
  await expect(waitUntil(() => false, { deadlineMs: 20, what: "the leader" })).rejects.toThrow(
    "timed out after 20 ms: the leader",
  );
  const broken = () => Promise.reject(new Error("no leader yet"));
  await expect(waitUntil(broken, { deadlineMs: 20, what: "the leader" })).rejects.toThrow("the leader (no leader yet)");
});

it("takes a throw for not yet, and gives up on a predicate that never settles", async () => {
  let polls = 0;
  const value = await waitUntil(
    () => {
      if (++polls < 3) throw new Error("not yet");
      return polls;
    },
    { what: "the third poll" },
  );
  expect(value).toBe(3);
  await expect(waitUntil(() => new Promise<boolean>(() => {}), { deadlineMs: 20, what: "an answer" })).rejects.toThrow(
    "an answer",
  );
});
