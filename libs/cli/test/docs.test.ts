/** docs/cli.md shows every command, and every option that is not everybody's. */
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
