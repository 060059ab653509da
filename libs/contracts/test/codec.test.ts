import fc from "fast-check";
import { Packr, Unpackr } from "msgpackr";
import { describe, expect, it } from "vitest";
import {
  type CodecName,
  codecNames,
  codecOf,
  decode,
  encode,
  encodeText,
  type JsonValue,
  limits,
  NexusError,
} from "../src/index.ts";

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

  it("C3: carries a key __proto__ as any other, at any depth, and leaves prototypes alone", () => {
    const text = '{"__proto__":{"polluted":true},"list":[{"__proto__":1,"constructor":{"prototype":2}}]}';
    const value = decode(encode(JSON.parse(text) as JsonValue, codec), codec);
    expect(JSON.stringify(value)).toBe(text);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("reads less deep where it is told to", () => {
    const nested = (levels: number): JsonValue => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(codeOf(() => decode(encode(nested(10), codec), codec, 10))).toBe("none");
    expect(codeOf(() => decode(encode(nested(11), codec), codec, 10))).toBe("too-deep");
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

  it.each([
    ["1e999", "malformed"],
    ['{"a":[-2E+400]}', "malformed"],
    ["nines", "malformed"],
    ["1e308", "none"],
    ["ones", "none"],
    ['["1e999", true, {"e1e999": false}]', "none"],
  ])("C2: of a number beyond the doubles, %s: %s", (name, code) => {
    const text = { nines: "9".repeat(309), ones: "1".repeat(308) }[name] ?? name;
    expect(codeOf(() => decode(new TextEncoder().encode(text)))).toBe(code);
  });

  it("quotes no control characters of what it refuses", () => {
    const refused = () => decode(new TextEncoder().encode("\u001b[31m\u0085"));
    expect(refused).toThrow(/^[^\p{Cc}]+$/u);
  });
});

/** Arrays that each hold the last one many times, by reference: exponential in their bytes for whoever walks them. */
function references(levels: number, width: number): Uint8Array {
  let bytes = [0xd6, 0x69, 0, 0, 0, 0, 0x90];
  for (let level = 1; level <= levels; level++) {
    const again = Array.from({ length: width - 1 }, () => [0xd6, 0x70, 0, 0, 0, level - 1]).flat();
    bytes = [0xd6, 0x69, 0, 0, 0, level, 0x90 + width, ...bytes, ...again];
  }
  return Uint8Array.from(bytes);
}

describe("MessagePack", () => {
  it.each([
    ["NaN", [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ["infinity", [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]],
    ["binary", [0xc4, 1, 0]],
    ["a 32-bit NaN", [0xca, 0x7f, 0xc0, 0, 0]],
    ["a 32-bit -infinity", [0xca, 0xff, 0x80, 0, 0]],
    ["a timestamp", [0xd6, 0xff, 0, 0, 0, 1]],
    ["undefined", [0xd4, 0, 0]],
    ["a set", [0xd4, 0x73, 0, 0x91, 1]],
    ["a regular expression", [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0]],
    ["an error", [0xd4, 0x65, 0, 0x93, 0xa1, 0x61, 0xa1, 0x62, 0xc0]],
    ["a record, which makes the decoder compile code", [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 5]],
    ["a bundle of strings", [0xc7, 4, 0x62, 0, 0, 0, 6, 0xc1, 1, 0xa1, 0x61, 0xa1, 0x62]],
    ["the token that is never used", [0xc1]],
    ["a map with a number as key", [0x81, 1, 1]],
    ["a cycle", [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]],
    ["text that is not UTF-8", [0xa2, 0xc3, 0x28]],
    ["bytes behind the document", [1, 1]],
    ["nothing at all", []],
  ])("refuses %s, which JSON cannot say", (_, bytes) => {
    expect(codeOf(() => decode(Uint8Array.from(bytes), "msgpack"))).toBe("malformed");
  });

  it.each([
    ["array", 0xdd],
    ["map", 0xdf],
    ["string", 0xdb],
  ])("refuses a declared %s of 4 GB before anything is made for it", (_, token) => {
    expect(codeOf(() => decode(Uint8Array.from([token, 0xff, 0xff, 0xff, 0xff]), "msgpack"))).toBe("malformed");
  });

  it("refuses references, which would make few bytes a document without end", () => {
    const bytes = references(40, 15);
    expect(bytes.byteLength).toBeLessThan(5_000);
    const beganMs = performance.now();
    expect(codeOf(() => decode(bytes, "msgpack"))).toBe("malformed");
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });

  it("reads every form that an encoder may choose for a document", () => {
    // Into maps: into objects, the library renames a key `__proto__`.
    const asMaps = new Unpackr({ useRecords: false, mapsAsObjects: false });
    const plain = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(plain);
      return value instanceof Map ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)])) : value;
    };
    const packers = [{ variableMapSize: true }, { variableMapSize: false }, { useFloat32: 1 }].map(
      (options) => new Packr({ useRecords: false, ...options }),
    );
    fc.assert(
      fc.property(json, fc.constantFrom(...packers), (value, packer) => {
        const bytes = new Uint8Array(packer.pack(value));
        expect(decode(bytes, "msgpack")).toEqual(plain(asMaps.unpack(bytes)));
      }),
    );
  });

  it("reads what it accepts as what it is: another encoding of it means the same", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let value: JsonValue;
        try {
          value = decode(bytes, "msgpack");
        } catch {
          return;
        }
        expect(decode(encode(value, "json"), "json")).toEqual(value);
      }),
      { numRuns: 2_000 },
    );
  });

  it("writes half characters as what stands for them", () => {
    expect(decode(encode({ "\ud800k": ["a\ud800", "\udc00".repeat(40)] }, "msgpack"), "msgpack")).toEqual({
      "\ufffdk": ["a\ufffd", "\ufffd".repeat(40)],
    });
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

it("encodes texts of any size in UTF-8, and never writes to one again", () => {
  const sizes = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.nat(9_000).map((count) => "é".repeat(count)),
  );
  fc.assert(
    fc.property(fc.array(sizes, { maxLength: 60 }), (texts) => {
      const encoded = texts.map((text) => encodeText(text));
      for (const [index, text] of texts.entries()) expect(encoded[index]).toEqual(new TextEncoder().encode(text));
    }),
    { numRuns: 50 },
  );
});
