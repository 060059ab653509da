import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  labelsSchema,
  limits,
  nameSchema,
  operationIdOf,
  operationIdSchema,
  operationNameSchema,
  requestIdSchema,
  splitOperationId,
} from "../src/index.ts";

/** Proves that names which become tokens of subjects can add neither a token nor a wildcard, and that ids come apart as put together. */

/** Any code units, those of halves of pairs and of control characters among them. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 40 }).map((units) => String.fromCharCode(...units));
const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("names", () => {
  it.each(["a", "0", "agent-1_x", "a".repeat(63)])("%j is one", (name) => {
    expect(nameSchema.safeParse(name).success).toBe(true);
  });

  it.each(["", "A", "-a", "_a", "a.b", "a*", ">", "a b", "a\n", "\u0430", "é", "a".repeat(64), "__proto__"])(
    "%j is none",
    (name) => {
      expect(nameSchema.safeParse(name).success).toBe(false);
    },
  );

  it("no text that is one holds what means something in a subject", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        if (nameSchema.safeParse(text).success) expect(text).toMatch(/^[a-z0-9_-]+$/);
      }),
    );
  });
});

describe("labels", () => {
  it.each([
    [{ zone: "eu", tier: "ö 1" }, true],
    [{}, true],
    [{ Zone: "eu" }, false],
    [{ zone: "" }, false],
    [{ zone: "a\nb" }, false],
    [{ zone: "x".repeat(limits.labelValueCharsMax + 1) }, false],
    [{ zone: 5 }, false],
  ])("%j: %s", (labels, valid) => {
    expect(labelsSchema.safeParse(labels).success).toBe(valid);
  });

  it("are bounded in number", () => {
    const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
    expect(labelsSchema.safeParse(labels(limits.labelsMax)).success).toBe(true);
    expect(labelsSchema.safeParse(labels(limits.labelsMax + 1)).success).toBe(false);
  });
});

describe("ids", () => {
  it.each([ID, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"])("%s is a request's", (id) => {
    expect(requestIdSchema.safeParse(id).success).toBe(true);
  });

  it.each(["8ZZZZZZZZZZZZZZZZZZZZZZZZZ", ID.toLowerCase(), `${ID}0`, ID.slice(1), `${ID.slice(1)}I`, `${ID}\n`])(
    "%j is none",
    (id) => {
      expect(requestIdSchema.safeParse(id).success).toBe(false);
    },
  );

  it("an operation's comes apart as it was put together", () => {
    fc.assert(
      fc.property(fc.nat(999_999), (index) => {
        const operationId = operationIdOf(ID, index);
        expect(operationIdSchema.safeParse(operationId).success).toBe(true);
        expect(splitOperationId(operationId)).toEqual({ requestId: ID, index });
      }),
    );
  });

  it.each([`${ID}/01`, `${ID}/-1`, `${ID}/1000000`, `${ID}/`, ID, `${ID}/1/2`])("%s is no operation's", (id) => {
    expect(operationIdSchema.safeParse(id).success).toBe(false);
  });
});

it.each([
  ["index.rebuild", true],
  ["Ask:v2_x-y", true],
  [".hidden", false],
  ["a b", false],
  ["x".repeat(129), false],
])("operation name %j: %s", (name, valid) => {
  expect(operationNameSchema.safeParse(name).success).toBe(valid);
});
