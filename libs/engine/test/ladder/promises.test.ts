import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { rungs } from "../../src/index.ts";

/** The page for users says what the table in the code says, no more and no less. */
it("docs/promises.md is the table", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/promises.md"), "utf8");
  const told = page.split("\n").filter((line) => /^\| (?!goal )\w+ \| \w+ \/ /.test(line));
  const table = rungs.flatMap((rung) =>
    Object.entries(rung.goals).map(([goal, { keeps, needs }]) => {
      return `| ${goal} | ${rung.layer} / ${rung.strategy} | ${keeps.join(", ")} | ${needs.length === 0 ? "–" : needs.join(", ")} |`;
    }),
  );
  expect([...told].sort()).toEqual([...table].sort());
});
