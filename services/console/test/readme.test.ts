/** The README's configuration table is the schema's. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configTable } from "@nexus/runtime";
import { expect, test } from "vitest";
import { consoleConfigSchema } from "../src/index.ts";

test("the README documents every variable as it is", () => {
  expect(readFileSync(join(import.meta.dirname, "../README.md"), "utf8")).toContain(configTable(consoleConfigSchema));
});
