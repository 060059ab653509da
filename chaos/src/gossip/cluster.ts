import { connectNats } from "@nexus/adapter-nats";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import {
  decode,
  encode,
  type GossipConverged,
  gossipConvergedSchema,
  gossipPageSchema,
  gossipWrittenSchema,
  type JsonValue,
  parseFrame,
} from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { CuttableLink } from "../processes/cuttable-link.ts";
import type { Watch } from "../suite.ts";
import { type Change, type GossipNode, startGossipNode } from "./node.ts";

/** Of every answer to what this cluster asks: nothing else that a node sends has it in it. */
export const ASKER = "_INBOX.chaos";
const ANSWER_MS = 500;
/** Of what is asked again and again: one that is cut off silently must not hold up the questions to the others. */
const REPEATED_ANSWER_MS = 100;

type Bus = Awaited<ReturnType<typeof connectNats>>;

/**
 * Processes of the gossip service over a private nats-server. One of them, `behind`, reaches it by a link that can be cut.
 *
 * Invariants
 * C1. Whoever holds a process dead that runs, and is not excused, is a violation: it is noted whenever it comes.
 * C2. What a node holds is read from its own log, never asked: verbs are answered by any node.
 */
export class Cluster {
  readonly nodes: GossipNode[] = [];
  readonly falseDeaths: string[] = [];
  /** Suspicions of processes that run. */
  suspicions = 0;
  readonly #watch: Watch;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #excused = new Set<string>();
  #server!: NatsServer;
  #bus!: Bus;
  #link!: CuttableLink;
  #behind!: GossipNode;

  private constructor(watch: Watch) {
    this.#watch = watch;
  }

  static async start(size: number, watch: Watch): Promise<Cluster> {
    const cluster = new Cluster(watch);
    try {
      await cluster.#start(size);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The node whose link can be cut. */
  get behind(): GossipNode {
    return this.#behind;
  }

  get link(): CuttableLink {
    return this.#link;
  }

  /** Those that may be killed and stopped. */
  get direct(): GossipNode[] {
    return this.nodes.filter((node) => node !== this.#behind);
  }

  async #start(size: number): Promise<void> {
    this.#server = await startNatsServer();
    this.#bus = await connectNats({ servers: this.#server.url, name: "chaos", inboxPrefix: ASKER });
    this.#link = await CuttableLink.start(this.#server.port);
    const behind = this.#add(`nats://127.0.0.1:${this.#link.port}`);
    // All of them before one's failure is told, so that none is left.
    await Promise.allSettled([behind, ...Array.from({ length: size - 1 }, () => this.add())]);
    this.#behind = await behind;
    if (this.nodes.length < size) throw new Error("not every node started");
    await this.settled();
  }

  add(): Promise<GossipNode> {
    return this.#add(this.#server.url);
  }

  async #add(url: string): Promise<GossipNode> {
    this.#watch.signal.throwIfAborted();
    const node = await startGossipNode(url, (change) => this.#changed(change));
    this.nodes.push(node);
    return node;
  }

  /** @returns when it was killed */
  async kill(node: GossipNode): Promise<number> {
    this.#forget(node);
    const atMs = performance.now();
    await node.process.end("SIGKILL");
    return atMs;
  }

  /** It says that it leaves; resolves when all others hold it so. */
  async leave(node: GossipNode): Promise<void> {
    this.#forget(node);
    await node.process.end("SIGTERM");
    await this.until(() => this.nodes.every(({ view }) => view.get(node.id) === "left"), "all know that a node left");
  }

  excuse(node: GossipNode): void {
    this.#excused.add(node.id);
  }

  /** Everybody holds everybody for alive. */
  async settled(): Promise<void> {
    await this.until(() => this.nodes.every((node) => this.isKnown(node)), "everybody holds everybody for alive");
    this.#excused.clear();
  }

  isKnown(node: GossipNode): boolean {
    return this.othersThan(node).every((other) => other.view.get(node.id) === "alive" && node.view.get(other.id) === "alive");
  }

  othersThan(node: GossipNode): GossipNode[] {
    return this.nodes.filter((other) => other !== node);
  }

  /** @returns what ends it */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws Error when it does not come true in time, when a process ends by itself, or when somebody has had enough */
  async until(predicate: () => boolean | Promise<boolean>, what: string, deadlineMs = 30_000): Promise<void> {
    const { signal } = this.#watch;
    let died: string | undefined;
    await waitUntil(
      async () => {
        died = this.nodes.map(({ process }) => process.died()).find((how) => how !== undefined);
        return signal.aborted || died !== undefined || (await predicate());
      },
      { what, deadlineMs },
    );
    signal.throwIfAborted();
    if (died !== undefined) throw new Error(`a node ${died} by itself`);
  }

  /** At any node. @returns the node that took it, or undefined where the answer did not come */
  async put(key: string, value: JsonValue): Promise<string | undefined> {
    const answer = await this.#ask("put", { key, value });
    return answer === undefined ? undefined : parseFrame(gossipWrittenSchema, answer, "put").node;
  }

  /** Whether the node that takes the question has it; undefined where the answer did not come. */
  async has(key: string): Promise<boolean | undefined> {
    const answer = await this.#ask("get", { key });
    return answer === undefined ? undefined : parseFrame(gossipPageSchema, answer, "get").total > 0;
  }

  async converged(freshMs: number): Promise<GossipConverged | undefined> {
    const answer = await this.#ask("converged", { freshMs, waitMs: 0 }, REPEATED_ANSWER_MS);
    return answer === undefined ? undefined : parseFrame(gossipConvergedSchema, answer, "converged");
  }

  /** Silence is no answer: one that is cut off may have been asked. */
  async #ask(verb: string, body: JsonValue, timeoutMs = ANSWER_MS): Promise<JsonValue | undefined> {
    try {
      const { data } = await this.#bus.request(`nexus.gossip.${verb}`, encode(body), { timeoutMs });
      return decode(data);
    } catch (error) {
      if ((error as { code?: string }).code === "timeout") return undefined;
      throw error;
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ process }) => process.end("SIGKILL")));
    await this.#bus?.close();
    await this.#link?.stop();
    await this.#server?.stop();
  }

  #forget(node: GossipNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  #changed(change: Change): void {
    const { observer, member, state } = change;
    const isRunning = this.nodes.some(({ id }) => id === member);
    if (isRunning && state === "suspect") this.suspicions++;
    if (isRunning && state === "dead" && !this.#excused.has(member) && !this.#excused.has(observer)) {
      this.falseDeaths.push(`${observer} held ${member} dead, which runs`); // C1
    }
    for (const listener of this.#listeners) listener(change);
  }
}
