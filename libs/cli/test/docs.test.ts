/** docs/cli.md has a place for every command, and names no option that there is not. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { runNexus } from "./run-nexus.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/cli.md"), "utf8");

test("every command has its place in the page", async () => {
  const { out } = await runNexus(["--help"]);
  const listed = /\nCommands:\n([\s\S]*?)\n\n/.exec(out)?.[1] ?? "";
  const commands = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name).filter((name) => name !== "help");
  expect(commands.length).toBeGreaterThan(9);
  expect(commands.filter((name) => !page.includes(`### nexus ${name}\n`))).toEqual([]);
});

test("every option in the page is one of a command", async () => {
  const places = [...page.matchAll(/^### nexus (\w+)$/gm)].map(([, name = ""]) => [name]);
  const gossip = ["get", "put", "converged"].map((name) => ["gossip", name]);
  const helps = [["context", "add"], ["requests", "get"], ...gossip, ...places].map((words) => runNexus([...words, "--help"]));
  const known = (await Promise.all(helps)).map(({ out }) => out).join("\n");
  const named = [...page.matchAll(/`[^`\n]*`|^\$ nexus .*$/gm)].flatMap(([text]) => text.match(/--[a-z][a-z-]*/g) ?? []);
  expect(named.length).toBeGreaterThan(15);
  expect([...new Set(named)].filter((option) => !new RegExp(`${option}\\b(?!-)`).test(known))).toEqual([]);
});
