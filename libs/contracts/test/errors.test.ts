import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ErrorCode,
  errorBodySchema,
  errorCodes,
  fromErrorBody,
  isErrorCode,
  limits,
  NexusError,
  natsCodeOf,
  toErrorBody,
} from "../src/index.ts";

/** Proves that errors keep what a caller branches on from one process to another, and that whatever is thrown fits the wire. */

const codes = Object.keys(errorCodes) as ErrorCode[];

describe("codes", () => {
  it.each(codes)("%s: its family says whether to try again, and NATS tools get a number", (code) => {
    const error = new NexusError(code, "message");
    expect(error.family).toBe(errorCodes[code].family);
    if (error.family === "rejected") expect(error.retryable).toBe(false);
    expect(natsCodeOf(code)).toBeGreaterThanOrEqual(400);
    expect(natsCodeOf(code)).toBeLessThan(600);
  });

  it.each(["toString", "__proto__", "", "INTERNAL"])("%j is no code", (code) => {
    expect([isErrorCode(code), natsCodeOf(code)]).toEqual([false, 500]);
  });

  it("nothing was executed unless the error says so", () => {
    expect(new NexusError("malformed", "x").executed).toBe("none");
    expect(toErrorBody(new Error("x")).executed).toBe("unknown");
  });
});

it("an error comes through the wire as it was", () => {
  const metadata = fc.record(
    {
      executed: fc.constantFrom("none" as const, "some" as const, "all" as const, "unknown" as const),
      field: fc.string({ maxLength: 300 }),
      retryAfterMs: fc.nat(limits.timeoutMsMax),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...codes), fc.string({ maxLength: 2_000 }), metadata, (code, message, more) => {
      const error = new NexusError(code, message, more);
      const body = errorBodySchema.parse(JSON.parse(JSON.stringify(toErrorBody(error))));
      const told = fromErrorBody(body);
      expect([told.code, told.family, told.retryable, told.executed]).toEqual([
        ...[error.code, error.family, error.retryable, error.executed],
      ]);
      expect([told.retryAfterMs, told.field]).toEqual([error.retryAfterMs, error.field?.slice(0, limits.fieldPathCharsMax)]);
      expect(told.message.slice(0, 1_000)).toBe(message.slice(0, 1_000));
    }),
  );
});

it("whatever is thrown fits the wire", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.anything(),
        fc.string().map((text) => new Error(text)),
      ),
      (thrown) => {
        expect(errorBodySchema.safeParse(toErrorBody(thrown)).success).toBe(true);
      },
    ),
  );
  const foreign = toErrorBody(new TypeError("x is not a function"));
  expect(foreign).toMatchObject({ code: "internal", message: "internal error: x is not a function" });
  expect(JSON.stringify(foreign)).not.toContain(".ts:");
});

describe("a code of a newer peer", () => {
  const body = { code: "quota-spent", message: "come back", executed: "none" } as const;

  it.each([true, false])("is told by its message, and tried again if its peer says so: %s", (retryable) => {
    const error = fromErrorBody({ ...body, retryable, retryAfterMs: 5 });
    expect(error).toMatchObject({ code: "internal", message: "quota-spent: come back", retryable, retryAfterMs: 5 });
    expect(toErrorBody(error)).toMatchObject({ retryable });
  });

  it("does not change what a known code means", () => {
    expect(fromErrorBody({ ...body, code: "overloaded", retryable: false }).retryable).toBe(true);
  });
});

it.each<[string, unknown]>([
  ["an object without a prototype", Object.create(null)],
  ["a symbol", Symbol("s")],
  ["an object that cannot become a string", { toString: () => ({}) }],
  [
    "an error whose message throws",
    Object.defineProperty(new Error("x"), "message", {
      get: () => {
        throw new Error("y");
      },
    }),
  ],
])("%s can be thrown, too", (_, thrown) => {
  expect(errorBodySchema.parse(toErrorBody(thrown))).toMatchObject({ code: "internal", executed: "unknown" });
});
