import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type JsonValue, NexusError, parseFrame, versionSchema } from "../src/index.ts";

/** Proves that what is wrong is named by its field, in few words whatever was sent, and that newer peers are understood. */

const schema = z.object({
  v: versionSchema,
  name: z.string().max(5),
  nested: z.object({ list: z.array(z.int()) }).optional(),
});
const strict = z.strictObject({ v: versionSchema, inner: z.strictObject({ a: z.int().optional() }).optional() });

function refusal(value: unknown, with_: z.ZodType = schema): NexusError {
  try {
    parseFrame(with_, value as JsonValue, "the frame");
  } catch (error) {
    if (error instanceof NexusError) return error;
    throw error;
  }
  return expect.fail("it was accepted");
}

it("fields that are not known yet are dropped", () => {
  expect(parseFrame(schema, { v: 1, name: "a", newer: true }, "the frame")).toEqual({ v: 1, name: "a" });
});

describe("refusals", () => {
  it.each<[string, unknown, string, string | undefined]>([
    ["no object", 5, "invalid-field", undefined],
    ["a field that is absent", { v: 1 }, "invalid-field", "name"],
    ["a field of another type", { v: 1, name: 5 }, "invalid-field", "name"],
    ["a place within", { v: 1, name: "a", nested: { list: [1, "b"] } }, "invalid-field", "nested.list.1"],
    ["a newer version", { v: 2, name: "a" }, "unsupported-version", "v"],
    ["no version", { name: "a" }, "unsupported-version", "v"],
    ["a version and more", { v: "x", name: 5 }, "unsupported-version", "v"],
  ])("%s", (_, value, code, field) => {
    expect(refusal(value)).toMatchObject({ code, field, executed: "none" });
  });

  it.each<[unknown, string]>([
    [{ v: 1, extra: 1 }, "extra"],
    [{ v: 1, inner: { b: 1 } }, "inner.b"],
  ])("where only known fields are allowed: %j names %s", (value, field) => {
    expect(refusal(value, strict)).toMatchObject({ code: "unknown-field", field, message: expect.stringContaining(field) });
  });

  it("tell the first fault alone, and say what to do", () => {
    expect(refusal({ v: 1, extra: 1 }, strict).message).toBe("extra is no field of the frame; remove it or correct its name");
  });

  it("are short and hold no control characters, whatever was sent", () => {
    const anyText = fc.array(fc.nat(0xffff), { maxLength: 500 }).map((units) => String.fromCharCode(...units));
    fc.assert(
      fc.property(anyText, anyText, (key, value) => {
        const values = [
          { v: value, name: "a" },
          { v: 1, name: { [key]: value } },
          { v: 1, inner: { [key]: 1 } },
          { v: 1, [key]: 1 },
        ];
        for (const sent of values) {
          for (const with_ of [schema, strict]) {
            if (with_.safeParse(sent).success) continue;
            const { message, field = "" } = refusal(sent, with_);
            expect(message.length + field.length).toBeLessThan(1_000);
            // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is the point
            expect(`${message}${field}`).not.toMatch(/[\u0000-\u001f]/);
          }
        }
      }),
    );
  });
});
