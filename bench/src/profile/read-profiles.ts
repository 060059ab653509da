import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CpuProfile, profileText, summaryOf } from "./cpu-profile.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Every profile of a folder, as text. */
export async function profilesText(directory: string): Promise<string> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".cpuprofile")).sort();
  const texts = [];
  for (const file of files) {
    const profile = JSON.parse(await readFile(join(directory, file), "utf8")) as CpuProfile;
    texts.push(profileText(file.replace(/\.cpuprofile$/, ""), summaryOf(profile, shortened)));
  }
  return texts.join("\n\n");
}

/** `libs/engine/src/engine.ts`, `nats/lib/nats-base-client/parser.js`, `node:internal/timers`. */
function shortened(url: string): string {
  const path = url.startsWith("file:") ? fileURLToPath(url) : url;
  const own = path.startsWith(root) ? path.slice(root.length) : path;
  return own.replace(/^node_modules\//, "");
}
