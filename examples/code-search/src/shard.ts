import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Handler } from "@nexus/agent";
import { isJsonObject, type JsonValue, NexusError } from "@nexus/contracts";
import { fileBelow, listSources, readShard, type SourceFile } from "./corpus.ts";

export interface Hit {
  readonly file: string;
  readonly line: number;
  readonly score: number;
  readonly text: string;
}

const HITS_MAX = 50;
const LINE_CHARS_MAX = 160;

/** One shard of the corpus, with the operations that its agent offers. */
export class Shard {
  readonly #root: string;
  readonly #shard: number;
  readonly #shards: number;
  #files: SourceFile[] = [];
  #version = 0;

  constructor(root: string, shard: number, shards: number) {
    this.#root = root;
    this.#shard = shard;
    this.#shards = shards;
    this.#load();
  }

  get handlers(): Record<string, Handler> {
    return {
      search: (payload) => this.#search(payload),
      stats: () => this.#stats(),
      reindex: () => this.#reindex(),
      "hash-file": (payload) => this.#hash(payload),
      "vote-index-version": (payload) => this.#vote(payload),
    };
  }

  #load(): void {
    this.#files = readShard(this.#root, listSources(this.#root), this.#shard, this.#shards);
    this.#version++;
  }

  /** The best lines that hold the words; more of the words, and shorter lines, score higher. */
  #search(payload: JsonValue | undefined): JsonValue {
    const words = text(payload, "query").toLowerCase().split(/\s+/).filter(Boolean);
    const hits: Hit[] = [];
    for (const { path, text: content } of this.#files) {
      for (const [index, line] of content.split("\n").entries()) {
        const lower = line.toLowerCase();
        const found = words.filter((word) => lower.includes(word)).length;
        if (found === 0) continue;
        const score = Math.round((found + 1 / (1 + line.length / 80)) * 1_000) / 1_000;
        hits.push({ file: path, line: index + 1, score, text: line.trim().slice(0, LINE_CHARS_MAX) });
      }
    }
    hits.sort((a, b) => b.score - a.score || (a.file < b.file ? -1 : 1) || a.line - b.line);
    return { hits: hits.slice(0, HITS_MAX).map((hit) => ({ ...hit })), matched: hits.length };
  }

  #stats(): JsonValue {
    const lines = this.#files.reduce((sum, { text: content }) => sum + content.split("\n").length, 0);
    return { files: this.#files.length, lines, bytes: this.#files.reduce((sum, file) => sum + Buffer.byteLength(file.text), 0) };
  }

  #reindex(): JsonValue {
    this.#load();
    return { files: this.#files.length, version: this.#version };
  }

  #hash(payload: JsonValue | undefined): JsonValue {
    const path = text(payload, "path");
    const file = fileBelow(this.#root, path);
    if (file === undefined) throw new NexusError("not-found", `no file ${path} in the corpus`, { field: "path" });
    return { path, sha256: createHash("sha256").update(readFileSync(file)).digest("hex") };
  }

  /** For the proposal when this shard's index is at least as new as it says. */
  #vote(payload: JsonValue | undefined): JsonValue {
    const wanted = isJsonObject(payload) ? payload["minVersion"] : undefined;
    if (typeof wanted !== "number") throw new NexusError("invalid-field", "minVersion must be a number", { field: "minVersion" });
    return { vote: this.#version >= wanted ? "for" : "against", version: this.#version };
  }
}

function text(payload: JsonValue | undefined, field: string): string {
  const value = isJsonObject(payload) ? payload[field] : undefined;
  if (typeof value === "string" && value.length > 0 && value.length <= 1_000) return value;
  throw new NexusError("invalid-field", `payload.${field} must be a text of 1 to 1,000 characters`, { field });
}
