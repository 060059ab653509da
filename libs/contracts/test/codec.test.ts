import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CodecName, codecNames, codecOf, decode, encode, type JsonValue, limits, NexusError } from "../src/index.ts";

/** Proves: what goes in comes out, in either encoding; what is hostile is refused by its code and never crashes. */

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof NexusError) return error.code;
    throw error;
  }
  return "none";
}

const json = fc.jsonValue({ maxDepth: 8 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

describe.each(codecNames)("codec %s", (codec: CodecName) => {
  it("carries every JSON document unchanged", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(decode(encode(value, codec), codec)).toEqual(value);
      }),
    );
  });

  it("answers any bytes with a document or a NexusError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(["none", "malformed", "too-deep"]).toContain(codeOf(() => decode(bytes, codec)));
      }),
    );
  });

  it("refuses what is above the bound before decoding it", () => {
    expect(codeOf(() => decode(new Uint8Array(limits.frameBytesMax + 1), codec))).toBe("too-large");
  });

  it.each([
    [limits.depthMax, "none"],
    [limits.depthMax + 1, "too-deep"],
    [10_000, "too-deep"],
  ])("nesting %i: %s", (depth, code) => {
    const bytes =
      codec === "json"
        ? new TextEncoder().encode("[".repeat(depth) + "]".repeat(depth))
        : Uint8Array.from([...new Array(depth - 1).fill(0x91), 0x90]);
    expect(codeOf(() => decode(bytes, codec))).toBe(code);
  });

  it("leaves prototypes alone", () => {
    const bytes = encode(JSON.parse('{"__proto__":{"polluted":true}}') as JsonValue, codec);
    decode(bytes, codec);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("leaves undefined members out", () => {
    expect(decode(encode({ a: undefined, b: [1, { c: undefined }] }, codec), codec)).toEqual({ b: [1, {}] });
  });
});

describe("JSON", () => {
  it("refuses JSON 100,000 deep without overflowing the stack", () => {
    expect(codeOf(() => decode(new TextEncoder().encode("[".repeat(100_000))))).toBe("too-deep");
  });

  it("does not count brackets within strings", () => {
    const text = JSON.stringify(`${"[".repeat(500)}\\"`);
    expect(decode(new TextEncoder().encode(text))).toBe(JSON.parse(text));
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(codeOf(() => decode(Uint8Array.from([0x22, 0xff, 0x22])))).toBe("malformed");
  });
});

describe("MessagePack", () => {
  it.each([
    ["NaN", [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["infinity", [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]],
    ["binary", [0xc4, 1, 0]],
    ["a timestamp", [0xd6, 0xff, 0, 0, 0, 1]],
    ["a set", [0xd4, 0x73, 0, 0x91, 1]],
    ["an array that says it is longer than the message", [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ["a map that says it is longer than the message", [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 1]],
  ])("refuses %s, which JSON cannot say", (_, bytes) => {
    expect(codeOf(() => decode(Uint8Array.from(bytes), "msgpack"))).toBe("malformed");
  });
});

describe("MessagePack's references", () => {
  /** [id 0: [16 × ref to the next level], …]: 16^levels values, if references were followed. */
  const bomb = (levels: number) => {
    const bytes = [0xdc, 0, levels];
    for (let level = 0; level < levels; level++) {
      bytes.push(0xd6, 0x69, 0, 0, 0, level, 0xdc, 0, 16);
      for (let i = 0; i < 16; i++) {
        if (level === 0) bytes.push(0xc0);
        else bytes.push(0xd6, 0x70, 0, 0, 0, level - 1);
      }
    }
    return Uint8Array.from(bytes);
  };

  it("are refused at once, however many values they would unfold into", () => {
    expect(codeOf(() => decode(bomb(2), "msgpack"))).toBe("malformed");
    expect(codeOf(() => decode(bomb(40), "msgpack"))).toBe("malformed");
  });
});

describe("Content-Type", () => {
  it.each([
    [undefined, "json"],
    ["application/json; charset=utf-8", "json"],
    ["APPLICATION/MSGPACK", "msgpack"],
  ])("%s is %s", (header, codec) => expect(codecOf(header)).toBe(codec));

  it("refuses what it does not know", () => expect(codeOf(() => codecOf("text/xml"))).toBe("unsupported-content-type"));
});
