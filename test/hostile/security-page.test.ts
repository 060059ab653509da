import { readFileSync } from "node:fs";
import { routerDefaults } from "@nexus/router";
import { describe, expect, it } from "vitest";
import { section, serverConfig } from "./security-page.ts";

/** Holds docs/security.md to the code: its bounds are the defaults of a router, its files are there. */

const rows = (heading: string): Map<string, number> =>
  new Map(
    [...section(heading).matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)].map(([, name = "", value = ""]) => [
      name,
      Number(value.replaceAll(",", "")),
    ]),
  );

describe("docs/security.md", () => {
  const bounds = rows("Bounds");

  it("tells the bounds of a router, with their defaults", () => {
    const numbers = Object.entries(routerDefaults).filter(([name, value]) => typeof value === "number" && name.endsWith("Max"));
    expect(Object.fromEntries(bounds)).toEqual(Object.fromEntries(numbers));
  });

  it("names files that are there", () => {
    const root = new URL("../../", import.meta.url);
    const named = [...section("What is checked where").matchAll(/`((?:libs|services|test)\/[\w./-]+\.(?:ts|md))`/g)].map(
      ([, path]) => path ?? "",
    );
    expect(named.length).toBeGreaterThan(5);
    for (const path of named) expect(readFileSync(new URL(path, root), "utf8").length).toBeGreaterThan(0);
  });

  it("has one configuration of a server", () => expect(serverConfig()).toContain("authorization {"));
});
