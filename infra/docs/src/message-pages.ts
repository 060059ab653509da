import { channels, codecNames, codecsOf, type MessageName, parameterMeanings } from "@nexus/contracts";
import { type Example, readableJson } from "./examples.ts";
import { boundsOf, fieldTable, type Linked, typeOf } from "./field-table.ts";
import { anchorOf, code, table } from "./markdown.ts";
import { allDefinitions, type JsonSchema, messageNames, messageSchema } from "./schemas.ts";

/** The pages of subjects, messages and types. */

export const GENERATED = "<!-- Written by `npm run docs` from libs/contracts. Change the schemas there, not this page. -->";

interface Page {
  readonly title: string;
  readonly about: string;
  /** Messages are told on the page of the first channel that carries them. */
  readonly channels: readonly string[];
}

const pages: Readonly<Record<string, Page>> = {
  "clients.md": {
    title: "Messages of clients",
    about: "What a client sends and gets.",
    channels: [
      "coordinate",
      "request-get",
      "request-cancel",
      "request-events",
      "router-agents",
      "router-status",
      "health",
      "services-report",
      "router-watch",
      "router-events",
      "gossip-put",
      "gossip-get",
      "gossip-members",
      "gossip-converged",
      "consensus",
      "gossip",
      "predictor",
      "adaptive",
    ],
  },
  "agents.md": {
    title: "Messages of agents",
    about: "What an agent sends and gets. Unknown fields are ignored on both sides.",
    channels: [
      "agent-hello",
      "agent-heartbeat",
      "connection-heartbeat",
      "agent-bye",
      "router-announce",
      "agent-in",
      "group",
      "all",
      "connection-in",
      "agent-reply",
      "agent-ask",
      "connection-reply",
    ],
  },
  "routers.md": {
    title: "Messages between routers",
    about: "What routers say to each other. Clients and agents need none of it.",
    channels: ["router-alive", "router-claims", "router-requests"],
  },
  "members.md": {
    title: "Messages between members of the gossip",
    about: "What members say to each other. Clients and agents need none of it.",
    channels: ["gossip-announce", "gossip-frames", "gossip-verdicts"],
  },
};

const definitions = allDefinitions();
const pageOfMessage = new Map<string, string>();
for (const [file, { channels: names }] of Object.entries(pages)) {
  for (const channel of channels.filter(({ name }) => names.includes(name))) {
    for (const message of [...channel.messages, ...(channel.answers ?? [])]) {
      if (!pageOfMessage.has(message)) pageOfMessage.set(message, file);
    }
  }
}

const linkedFrom = (page: string): Linked => ({
  definitions,
  pageOf: (id) => {
    const file = pageOfMessage.get(id) ?? "types.md";
    return file === page ? "" : file;
  },
});

/** The files of this part, by their name in docs/protocol. @throws Error for a channel or message that no page tells */
export function messagePages(examples: readonly Example[]): Record<string, string> {
  const told = Object.values(pages).flatMap((page) => page.channels);
  const untold = channels.filter(({ name }) => !told.includes(name)).map(({ name }) => name);
  const homeless = messageNames.filter((name) => !pageOfMessage.has(name));
  if (untold.length + homeless.length > 0) throw new Error(`no page tells of ${[...untold, ...homeless].join(", ")}`);
  const files = Object.entries(pages).map(([file, page]) => [file, messagePage(file, page, examples)] as const);
  return { "subjects.md": subjectsPage(), ...Object.fromEntries(files), "types.md": typesPage() };
}

function subjectsPage(): string {
  const parts = Object.values(pages).map(({ title, channels: names }) => {
    const rows = channels
      .filter(({ name }) => names.includes(name))
      .map((channel) => [
        code(channel.address),
        `${channel.from} → ${channel.to}${channel.queue === undefined ? "" : ` (queue group ${code(channel.queue)})`}`,
        channel.messages.map((name) => messageLink(name, "subjects.md")).join(", ") || "empty",
        (channel.answers ?? []).map((name) => messageLink(name, "subjects.md")).join(", "),
        codecsOf(channel).length === codecNames.length ? "both" : codecsOf(channel).join(", "),
        `${channel.meaning}${valuesOf(channel.values)}`,
      ]);
    return `## ${title}\n\n${table(["subject", "who", "messages", "answers", "encoding", "meaning"], rows)}`;
  });
  const parameters = Object.entries(parameterMeanings).map(([name, meaning]) => [code(`{${name}}`), meaning]);
  return `${GENERATED}

# Subjects

Every subject, with the default prefix ${code("nexus")}; another one takes its place. Tokens in braces differ:

${table(["parameter", "meaning"], parameters)}

*Encoding* says what the receivers read: ${code("both")} is JSON, and MessagePack with the header
${code("Content-Type: application/msgpack")}.

${parts.join("\n\n")}

## NATS's own

Every service answers ${code("$SRV.PING")}, ${code("$SRV.INFO")} and ${code("$SRV.STATS")}, each also with ${code(".nexus-{service}")}. The metadata has
${code("instance")}, ${code("boot")}, ${code("wire_min")} and ${code("wire_max")}; a service that is not built yet says ${code("implemented: no")}. Answers that refuse
carry the headers ${code("Nats-Service-Error")} and ${code("Nats-Service-Error-Code")}.
`;
}

function valuesOf(values: Readonly<Record<string, readonly string[]>> | undefined): string {
  const parts = Object.entries(values ?? {}).map(([name, all]) => `. ${code(`{${name}}`)} is ${all.map(code).join(", ")}`);
  return parts.join("");
}

function messageLink(name: MessageName, from: string): string {
  const title = definitions[name]?.title ?? name;
  return `[${title.toLowerCase()}](${linkedFrom(from).pageOf(name)}#${anchorOf(title)})`;
}

function messagePage(file: string, page: Page, examples: readonly Example[]): string {
  const names = messageNames.filter((name) => pageOfMessage.get(name) === file);
  const parts = names.map((name) => messagePart(name, file, examples));
  return `${GENERATED}\n\n# ${page.title}\n\n${page.about} Subjects are in [subjects.md](subjects.md), shared types in [types.md](types.md).\n\n${parts.join("\n\n")}\n`;
}

function messagePart(name: MessageName, file: string, examples: readonly Example[]): string {
  const schema = messageSchema(name);
  const carried = channels.filter(({ messages }) => messages.includes(name)).map(({ address }) => code(address));
  const answering = channels.filter(({ answers }) => answers?.includes(name)).map(({ address }) => code(address));
  const where = [
    carried.length === 0 ? "" : `Published to ${carried.join(", ")}.`,
    answering.length === 0 ? "" : `Answers ${answering.join(", ")}.`,
    `[JSON Schema](schemas/${name}.json)`,
  ];
  const shown = examples.filter(({ message }) => message === name).map(exampleBlock);
  return [
    `## ${schema.title}`,
    `${schema.description}.`,
    where.filter((part) => part !== "").join(" "),
    fieldTable(schema, linkedFrom(file)),
    ...shown,
  ].join("\n\n");
}

function exampleBlock({ message, variant, value }: Example): string {
  const block = `\`\`\`json ${message}\n${readableJson(value)}\n\`\`\``;
  return variant === "" ? block : `${variant[0]?.toUpperCase()}${variant.slice(1)}:\n\n${block}`;
}

function typesPage(): string {
  const shared = Object.entries(definitions).filter(([id]) => !pageOfMessage.has(id));
  const parts = shared.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, schema]) => typePart(schema));
  return `${GENERATED}\n\n# Types\n\nWhat several messages have in common.\n\n${parts.join("\n\n")}\n`;
}

function typePart(schema: JsonSchema): string {
  const linked = linkedFrom("types.md");
  const about = schema.description === undefined ? [] : [`${schema.description}.`];
  const bounds = boundsOf(schema);
  const body =
    schema.properties === undefined
      ? `${typeOf(schema, linked)}${bounds === "" ? "" : `; ${bounds}`}`
      : fieldTable(schema, linked);
  return [`## ${schema.title}`, ...about, body].join("\n\n");
}
