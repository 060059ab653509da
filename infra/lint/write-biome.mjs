/** Writes biome.json from the import table, in the form that the formatter wants. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { biomeConfig } from "./biome-config.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
writeFileSync(`${root}biome.json`, `${JSON.stringify(biomeConfig(), null, 2)}\n`);
const biome = `${root}node_modules/@biomejs/biome/bin/biome`;
execFileSync(process.execPath, [biome, "format", "--write", "biome.json"], { cwd: root, stdio: "inherit" });
