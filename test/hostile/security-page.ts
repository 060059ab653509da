import { readFileSync } from "node:fs";

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");

/** The text under a heading of docs/security.md. */
export function section(heading: string): string {
  const [, text = ""] = page.split(new RegExp(`^## ${heading}$`, "m"));
  return text.split(/^## /m, 1)[0] ?? "";
}

/** The server's configuration that the page recommends. */
export function serverConfig(): string {
  const [, config = ""] = /```conf\n([\s\S]*?)```/.exec(section("What NATS must enforce")) ?? [];
  return config;
}
