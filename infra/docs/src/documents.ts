import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { asyncApi } from "./asyncapi.ts";
import { configurationParts } from "./configuration.ts";
import { readExamples } from "./examples.ts";
import { fillMarkers } from "./markdown.ts";
import { messagePages } from "./message-pages.ts";
import { errorsPage, indexPage, limitsPage, telemetryPage } from "./reference-pages.ts";
import { messageNames, messageSchema } from "./schemas.ts";
import { fillStepLines } from "./step-lines.ts";

export const root = resolve(import.meta.dirname, "../../..");

/** Programs that protocol.md refers to by line. */
const programs = ["nats-text", "bare-agent"].map((name) => `examples/bare-agent/src/${name}.ts`);

/** Every generated document: its path from the root, and what it should be. */
export function documents(): Map<string, string> {
  const examples = readExamples();
  const { version } = JSON.parse(read("package.json")) as { version: string };
  const inProtocol = {
    ...messagePages(examples),
    "README.md": indexPage(),
    "errors.md": errorsPage(),
    "telemetry.md": telemetryPage(),
    "limits.md": limitsPage(),
    "asyncapi.json": json(asyncApi(examples, version)),
    ...Object.fromEntries(messageNames.map((name) => [`schemas/${name}.json`, json(messageSchema(name))])),
  };
  return new Map([
    ...Object.entries(inProtocol).map(([name, text]) => [`docs/protocol/${name}`, text] as const),
    ["docs/configuration.md", fillMarkers(read("docs/configuration.md"), configurationParts())],
    ["docs/protocol.md", withStepLines(read("docs/protocol.md"))],
  ]);
}

function withStepLines(page: string): string {
  return programs.reduce((text, path) => fillStepLines(text, `../${path}`, read(path)), page);
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}
