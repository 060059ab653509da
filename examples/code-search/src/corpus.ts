import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** Real source files, shared out among agents by their path. */

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const SOURCE = /\.(js|mjs|cjs|ts|md)$/;
const FILE_BYTES_MAX = 200_000;
const FILES_MAX = 12_000;

/** The paths of source files below a folder, in one order on every machine; links are not followed. */
export function listSources(root: string): string[] {
  const found: string[] = [];
  const folders = existsSync(root) ? [root] : [];
  for (let folder = folders.pop(); folder !== undefined && found.length < FILES_MAX; folder = folders.pop()) {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? 1 : -1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && SOURCE.test(entry.name) && statSync(path).size <= FILE_BYTES_MAX)
        found.push(relative(root, path));
    }
  }
  return found.slice(0, FILES_MAX);
}

/** Where a file below the folder is, links resolved; undefined for what is elsewhere, or no file. */
export function fileBelow(root: string, path: string): string | undefined {
  try {
    const file = realpathSync(join(root, path));
    return file.startsWith(realpathSync(root) + sep) && statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

/** The shard that a file belongs to, in [0, shards). */
export function shardOf(path: string, shards: number): number {
  return createHash("sha1").update(path).digest().readUInt32BE(0) % shards;
}

export function readShard(root: string, paths: readonly string[], shard: number, shards: number): SourceFile[] {
  return paths
    .filter((path) => shardOf(path, shards) === shard)
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}
