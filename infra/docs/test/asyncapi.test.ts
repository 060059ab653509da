/**
 * The AsyncAPI document is one: it is valid by AsyncAPI's own schema of version 3.0.0, every reference leads somewhere, and
 * what it says of subjects, messages and examples is so. A document that is broken on purpose is refused first.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { channels, codecNames, codecsOf } from "@nexus/contracts";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { root } from "../src/documents.ts";

interface Reference {
  readonly $ref: string;
}
interface AsyncApi {
  readonly channels: Record<
    string,
    { address: string; parameters?: Record<string, object>; messages: Record<string, Reference> }
  >;
  readonly operations: Record<
    string,
    { action: string; channel: Reference; messages: Reference[]; reply?: { messages: Reference[] } }
  >;
  readonly components: {
    readonly messages: Record<string, { contentType?: string; payload?: Reference; examples?: { payload: unknown }[] }>;
    readonly schemas: Record<string, object>;
  };
  readonly servers: Record<string, { host: string; protocol: string }>;
}

const text = readFileSync(join(root, "docs/protocol/asyncapi.json"), "utf8");
const document = JSON.parse(text) as AsyncApi;
const official = createRequire(import.meta.url)("@asyncapi/specs/schemas/3.0.0-without-$id.json") as object;
const validate = new Ajv({ strict: false, allErrors: false, validateFormats: false }).compile(official);

function at(reference: string): unknown {
  const path = reference.replace(/^#\//, "").split("/");
  return path.reduce((value: unknown, key) => (value as Record<string, unknown> | undefined)?.[key], document);
}

function referencesIn(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === "$ref" && typeof member === "string" ? [member] : referencesIn(member),
  );
}

describe("the AsyncAPI document", () => {
  it("is valid by AsyncAPI's own schema", () => {
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each([
    ["no version", { asyncapi: undefined }],
    ["a channel whose address is a number", { channels: { coordinate: { address: 7 } } }],
    [
      "an operation that does nothing known",
      { operations: { o: { action: "publish", channel: { $ref: "#/channels/coordinate" } } } },
    ],
    ["a field that there is not", { chanels: {} }],
  ])("would not be with %s", (_, fault) => {
    expect(validate({ ...document, ...fault })).toBe(false);
  });

  it("has no reference that leads nowhere", () => {
    const references = referencesIn(document);
    expect(references.length).toBeGreaterThan(200);
    expect(references.filter((reference) => at(reference) === undefined)).toEqual([]);
  });

  it("names the parameters of each address, and no others", () => {
    for (const { address, parameters = {} } of Object.values(document.channels)) {
      expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    }
  });

  it("has every subject once, with an operation that uses its messages", () => {
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual(channels.map(({ address }) => address));
    for (const [name, channel] of Object.entries(document.channels)) {
      const uses = Object.values(document.operations).filter((operation) => operation.channel.$ref === `#/channels/${name}`);
      expect(uses.map(({ action }) => action)).toEqual(expect.arrayContaining([expect.stringMatching(/send|receive/)]));
      const used = uses.flatMap((operation) => [...operation.messages, ...(operation.reply?.messages ?? [])]);
      expect(new Set(used.map(({ $ref }) => $ref.split("/").at(-1)))).toEqual(new Set(Object.keys(channel.messages)));
    }
  });

  it("has every message in JSON, and in MessagePack where it travels so", () => {
    const contentTypes = new Set(Object.values(document.components.messages).map((message) => message.contentType));
    expect(contentTypes).toEqual(new Set([undefined, "application/json", "application/msgpack"]));
    expect(codecNames).toHaveLength(2);
    const inJson = channels.filter((channel) => codecsOf(channel).includes("json"));
    for (const name of inJson.flatMap(({ messages: sent, answers = [] }) => [...sent, ...answers])) {
      expect(document.components.messages[name]).toMatchObject({ contentType: "application/json" });
    }
    expect(document.components.messages["gossip-frame"]).toBeUndefined();
    expect(document.components.messages["gossip-frame.msgpack"]).toMatchObject({ contentType: "application/msgpack" });
    expect(document.components.messages["hello.msgpack"]).toMatchObject({ contentType: "application/msgpack" });
    expect(document.components.messages["claim-question.msgpack"]).toBeUndefined();
  });

  it("has examples that are valid by its own schemas", () => {
    const ajv = new Ajv({ strict: false });
    ajv.addSchema({ components: document.components }, "nexus");
    const faults = Object.entries(document.components.messages).flatMap(([name, { payload, examples = [] }]) =>
      examples.flatMap((example) => {
        const check = ajv.getSchema(`nexus${payload?.$ref}`);
        return check?.(example.payload) === true ? [] : [`${name}: ${ajv.errorsText(check?.errors ?? null)}`];
      }),
    );
    expect(faults).toEqual([]);
  });
});
