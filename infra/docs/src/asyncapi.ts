import {
  type Channel,
  CONTENT_TYPE_HEADER,
  type CodecName,
  channels,
  codecsOf,
  contentTypes,
  type MessageName,
  parameterMeanings,
  WIRE_VERSION,
} from "@nexus/contracts";
import type { Example } from "./examples.ts";
import { allDefinitions, type JsonSchema, messageNames } from "./schemas.ts";

/**
 * The AsyncAPI 3.0 document. The application that it describes is Nexus itself, its routers and services: it receives
 * what clients and agents publish, and sends what they are subscribed to.
 *
 * A message is there once for each encoding. AsyncAPI's schemas are of draft 7, the schema files of 2020-12.
 */

export function asyncApi(examples: readonly Example[], version: string): object {
  return {
    asyncapi: "3.0.0",
    id: `urn:nexus:wire:${WIRE_VERSION}`,
    info: {
      title: "Nexus",
      version,
      description:
        "Coordination of agent fleets over NATS, as seen from Nexus: clients and agents send what it receives, and receive " +
        "what it sends. Answers go to the reply subject of the NATS message.",
      license: { name: "Apache-2.0" },
    },
    defaultContentType: contentTypes.json,
    servers: {
      local: {
        host: "127.0.0.1:4222",
        protocol: "nats",
        description: "Where `npm start` listens, unless the port is taken",
      },
    },
    channels: Object.fromEntries(channels.map((channel) => [channel.name, channelOf(channel)])),
    operations: Object.fromEntries(channels.flatMap(operationsOf)),
    components: { messages: messagesOf(examples), schemas: componentSchemas() },
  };
}

/** `hello`, and `hello.msgpack`: what is not JSON says so. */
function keyOf(name: string, codec: CodecName): string {
  return codec === "json" ? name : `${name}.${codec}`;
}

const EMPTY = "empty";

function keysOf(names: readonly MessageName[], codecs: readonly CodecName[]): string[] {
  if (names.length === 0) return [EMPTY];
  return names.flatMap((name) => codecs.map((codec) => keyOf(name, codec)));
}

function channelOf(channel: Channel): object {
  const keys = [...keysOf(channel.messages, codecsOf(channel)), ...answerKeys(channel)];
  const parameters = [...channel.address.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => {
    const values = channel.values?.[name];
    return [name, { description: parameterMeanings[name], ...(values === undefined ? {} : { enum: values }) }] as const;
  });
  return {
    address: channel.address,
    description: channel.meaning,
    servers: [{ $ref: "#/servers/local" }],
    ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
    messages: Object.fromEntries(keys.map((key) => [key, { $ref: `#/components/messages/${key}` }])),
  };
}

function answerKeys({ answers, ...channel }: Channel): string[] {
  return answers === undefined ? [] : keysOf(answers, codecsOf({ ...channel }));
}

/** What Nexus does on a channel; what routers say to each other they both send and receive. */
function operationsOf(channel: Channel): [string, object][] {
  const own = (role: Channel["from"]) => role === "router" || role === "service";
  const sends: [string, object][] = own(channel.from) ? [[`send-${channel.name}`, operationOf(channel, "send")]] : [];
  const receives: [string, object][] = own(channel.to) ? [[`receive-${channel.name}`, operationOf(channel, "receive")]] : [];
  return [...sends, ...receives];
}

function operationOf(channel: Channel, action: "send" | "receive"): object {
  const reference = `#/channels/${channel.name}`;
  const refs = (keys: readonly string[]) => keys.map((key) => ({ $ref: `${reference}/messages/${key}` }));
  const answers = answerKeys(channel);
  const address = { location: "$message.header#/reply", description: "The reply subject of the NATS message" };
  return {
    action,
    channel: { $ref: reference },
    summary: channel.meaning,
    messages: refs(keysOf(channel.messages, codecsOf(channel))),
    ...queueBinding(channel.queue),
    ...(answers.length === 0 ? {} : { reply: { address, channel: { $ref: reference }, messages: refs(answers) } }),
  };
}

function queueBinding(queue: string | undefined): object {
  if (queue === undefined || queue.includes("{")) return {}; // a binding has no parameters
  return { bindings: { nats: { queue, bindingVersion: "0.1.0" } } };
}

function messagesOf(examples: readonly Example[]): object {
  const empty = { name: EMPTY, title: "Empty", summary: "An empty body" };
  const entries = messageNames.flatMap((name) =>
    encodingsOf(name).map((codec) => [keyOf(name, codec), message(name, codec, examples)]),
  );
  return { [EMPTY]: empty, ...Object.fromEntries(entries) };
}

/** The encodings that the message travels in on any channel. */
function encodingsOf(name: MessageName): readonly CodecName[] {
  const carriers = channels.filter(({ messages, answers }) => messages.includes(name) || answers?.includes(name));
  return [...new Set(carriers.flatMap((channel) => codecsOf(channel)))];
}

const definitions = allDefinitions();

function message(name: MessageName, codec: CodecName, examples: readonly Example[]): object {
  const schema = definitions[name];
  const shown = examples.filter((example) => example.message === name);
  return {
    name,
    title: `${schema?.title}${codec === "json" ? "" : " (MessagePack)"}`,
    summary: schema?.description,
    contentType: contentTypes[codec],
    headers: contentTypeHeader(codec),
    payload: { $ref: `#/components/schemas/${name}` },
    ...(codec === "json" && shown.length > 0
      ? { examples: shown.map(({ variant, value }) => ({ name: variant === "" ? name : variant, payload: value })) }
      : {}),
  };
}

/** JSON goes without the header, too. */
function contentTypeHeader(codec: CodecName): JsonSchema {
  const properties = { [CONTENT_TYPE_HEADER]: { type: "string", const: contentTypes[codec] } };
  return { type: "object", properties, ...(codec === "json" ? {} : { required: [CONTENT_TYPE_HEADER] }) };
}

/** In draft 7 nothing may stand beside a reference. */
function componentSchemas(): object {
  const text = JSON.stringify(definitions, (_, value: unknown) => {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, "$ref")) return value;
    const { $ref, ...beside } = value as JsonSchema;
    const reference = { $ref: String($ref).replace("#/$defs/", "#/components/schemas/") };
    return Object.keys(beside).length === 0 ? reference : { ...beside, allOf: [reference, ...(beside.allOf ?? [])] };
  });
  return JSON.parse(text);
}
