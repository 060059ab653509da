import {
  type AgentLoad,
  type AgentState,
  type Bye,
  type CodecName,
  type ConnHeartbeat,
  codecNames,
  type Heartbeat,
  type Hello,
  type Labels,
  type ProcessLoad,
  type Selector,
} from "@nexus/contracts";

/**
 * Which agents exist, where they live and how they are, as one router sees it. Pure: time is an argument
 * (milliseconds of a monotonic clock), nothing is sent.
 *
 * Invariants
 * T1. An agent enters by hello alone; a heartbeat of an unknown one, or of another boot, asks for a hello.
 * T2. Every change of membership, address or state raises `version`; a change of load does not.
 * T3. Entries that left or died stay for `forgetAfterMs`, so that their absence has a reason, then go; the longest absent
 *     go earlier where their room is needed.
 * T4. At most `agentsMax` entries, of hellos of at most `bytesMax`; a hello beyond them is refused and counted.
 * T5. Silence is measured by the interval that the agent may know of: after a drop of it, for a while the longer one.
 * T6. The lists that `select` gives away never change: of one version they are the same, the next has new ones.
 * T7. What this router itself has heard within an interval stands against what others say of that life.
 */

export interface AgentEntry {
  readonly id: string;
  readonly connId: string;
  readonly boot: string;
  readonly incarnation: number;
  readonly groups: ReadonlySet<string>;
  readonly labels: Labels;
  readonly capacity: number;
  readonly operations: ReadonlySet<string>;
  readonly codec: CodecName;
  /** It holds operations back until those that they are after have ended there. */
  readonly keepsCausalOrder: boolean;
  /** Of its hello. */
  readonly bytes: number;
  state: AgentState;
  lastSeenMs: number;
  load: AgentLoad;
  process: ProcessLoad | undefined;
}

export interface TableOptions {
  readonly agentsMax: number;
  readonly bytesMax: number;
  /** Missed intervals after which an agent is suspect, and dead. */
  readonly suspectAfterIntervals: number;
  readonly deadAfterIntervals: number;
  readonly forgetAfterMs: number;
}

export const tableDefaults: TableOptions = {
  agentsMax: 100_000,
  bytesMax: 128 * 1_048_576,
  suspectAfterIntervals: 2.5,
  deadAfterIntervals: 5,
  forgetAfterMs: 300_000,
};

export type HelloOutcome = "added" | "changed" | "refreshed" | "stale" | "full";

/** Who a selector means now. `unknown` are ids that the table never heard of. */
export interface Targets {
  readonly version: number;
  readonly agents: readonly AgentEntry[];
  readonly unknown: readonly string[];
}

/** The pool of all agents, among those of groups; no group's name is empty. */
const EVERYBODY = "";
const nobody: readonly never[] = [];
const noLoad: AgentLoad = { inFlight: 0, queueDepth: 0, serviceTimeMs: 0 };

export class RoutingTable {
  readonly #options: TableOptions;
  readonly #agents = new Map<string, AgentEntry>();
  readonly #groups = new Map<string, Set<AgentEntry>>();
  /** Those that left or died, the longest absent first. */
  readonly #absent = new Set<AgentEntry>();
  /** Who is present in a group, as of `#poolsVersion`: loads change all the time, membership seldom. */
  readonly #pools = new Map<string, readonly AgentEntry[]>();
  #poolsVersion = 0;
  #version = 0;
  #refused = 0;
  #present = 0;
  #bytes = 0;
  /** The heartbeat interval that was in force before it dropped, and when that was noticed. */
  #longestMs = 0;
  #droppedMs: number | undefined;

  constructor(options: Partial<TableOptions> = {}) {
    this.#options = { ...tableDefaults, ...options };
  }

  get version(): number {
    return this.#version;
  }

  /** Agents alive or suspect. */
  get size(): number {
    return this.#present;
  }

  /** Hellos refused for want of room (T4). */
  get refused(): number {
    return this.#refused;
  }

  /** clamp(N / 1,000 s, 1 s, 30 s): the fleet's heartbeats stay near a thousand a second. */
  get heartbeatIntervalMs(): number {
    return Math.min(30_000, Math.max(1_000, this.#present));
  }

  get(id: string): AgentEntry | undefined {
    return this.#agents.get(id);
  }

  entries(): IterableIterator<AgentEntry> {
    return this.#agents.values();
  }

  /** @param bytes what the hello took on the wire */
  hello(id: string, hello: Hello, nowMs: number, bytes = 0): HelloOutcome {
    const old = this.#agents.get(id);
    if (old !== undefined && old.boot === hello.boot) {
      if (hello.incarnation < old.incarnation) return "stale";
      // A late hello must not bring back an agent that said bye: that needs a new incarnation or boot.
      if (old.state === "left" && hello.incarnation === old.incarnation) return "stale";
      if (hello.incarnation === old.incarnation && old.connId === hello.connId) {
        old.lastSeenMs = nowMs;
        this.#setState(old, "alive");
        return "refreshed";
      }
    }
    if (!this.#makeRoom(old, bytes)) {
      this.#refused++;
      return "full";
    }
    const entry: AgentEntry = {
      id,
      connId: hello.connId,
      boot: hello.boot,
      incarnation: hello.incarnation,
      groups: new Set(hello.groups),
      labels: hello.labels,
      capacity: hello.capacity,
      operations: new Set(hello.operations),
      codec: hello.codecs?.find(isCodec) ?? "json",
      keepsCausalOrder: hello.causal === true,
      bytes,
      state: "alive",
      lastSeenMs: nowMs,
      load: old?.boot === hello.boot ? old.load : noLoad,
      process: old?.process,
    };
    if (old !== undefined) this.#remove(old);
    this.#add(entry);
    this.#version++;
    return old === undefined ? "added" : "changed";
  }

  /** @returns whether the agent is known under that boot (T1) */
  heartbeat(id: string, heartbeat: Heartbeat, nowMs: number): boolean {
    const entry = this.#agents.get(id);
    if (entry === undefined || entry.boot !== heartbeat.boot) return false;
    if (entry.state === "left") return true;
    this.#seen(entry, heartbeat, heartbeat.process, nowMs);
    return true;
  }

  /** @returns the agents of the frame that are not known on this connection under that boot (T1) */
  connHeartbeat(connId: string, frame: ConnHeartbeat, nowMs: number): string[] {
    const unknown: string[] = [];
    for (const row of frame.agents) {
      const entry = this.#agents.get(row.agent);
      if (entry === undefined || entry.boot !== row.boot || entry.connId !== connId) unknown.push(row.agent);
      else if (entry.state !== "left") this.#seen(entry, row, frame.process, nowMs);
    }
    return unknown;
  }

  /** A reply proves life as well as a heartbeat does. */
  answered(entry: AgentEntry, inFlight: number, queueDepth: number, nowMs: number): void {
    entry.lastSeenMs = nowMs;
    entry.load = { inFlight, queueDepth, serviceTimeMs: entry.load.serviceTimeMs };
    if (entry.state === "suspect" || entry.state === "dead") this.#setState(entry, "alive");
  }

  /** Progress proves life, and says nothing of the load. */
  progressed(entry: AgentEntry, nowMs: number): void {
    entry.lastSeenMs = nowMs;
    if (entry.state === "suspect" || entry.state === "dead") this.#setState(entry, "alive");
  }

  bye(id: string, bye: Bye): AgentEntry | undefined {
    const entry = this.#agents.get(id);
    if (entry === undefined || entry.boot !== bye.boot) return undefined;
    this.#setState(entry, "left");
    return entry;
  }

  /** What observers found out (T7). @returns the entry if it turned dead by it */
  judged(id: string, boot: string, verdict: "alive" | "suspect" | "dead", nowMs: number): AgentEntry | undefined {
    const entry = this.#agents.get(id);
    if (entry === undefined || entry.boot !== boot || entry.state === "left" || verdict === entry.state) return undefined;
    if (verdict === "alive") {
      entry.lastSeenMs = nowMs;
      this.#setState(entry, "alive");
      return undefined;
    }
    if (entry.state === "dead" || nowMs - entry.lastSeenMs <= this.heartbeatIntervalMs) return undefined;
    this.#setState(entry, verdict);
    return verdict === "dead" ? entry : undefined;
  }

  /** Nobody could be heard until now, so that everybody's silence begins anew. */
  forgiveSilence(nowMs: number): void {
    for (const entry of this.#agents.values()) if (isPresent(entry)) entry.lastSeenMs = nowMs;
  }

  /** Advances states by silence. @returns the agents that turned dead now */
  expire(nowMs: number): AgentEntry[] {
    const intervalMs = this.#knownIntervalMs(nowMs);
    const died: AgentEntry[] = [];
    for (const entry of this.#agents.values()) {
      const silentMs = nowMs - entry.lastSeenMs;
      if (entry.state === "left" || entry.state === "dead") {
        if (silentMs > this.#options.forgetAfterMs) this.#remove(entry);
      } else if (silentMs > this.#options.deadAfterIntervals * intervalMs) {
        this.#setState(entry, "dead");
        died.push(entry);
      } else if (silentMs > this.#options.suspectAfterIntervals * intervalMs) this.#setState(entry, "suspect");
    }
    return died;
  }

  /**
   * The agents that a selector means: by group, labels or all, those present (alive or suspect); by id, also those
   * that left or died, so that their absence is told with its reason.
   */
  select(selector: Selector): Targets {
    if (selector.ids !== undefined) return this.#selectIds(selector.ids);
    const pool = this.#poolOf(selector.group ?? EVERYBODY);
    const labels = Object.entries(selector.labels ?? {});
    const agents =
      labels.length === 0 ? pool : pool.filter((entry) => labels.every(([key, value]) => entry.labels[key] === value));
    return { version: this.#version, agents, unknown: nobody };
  }

  /** T6. O(1) while nobody comes or goes, else O(members). */
  #poolOf(group: string): readonly AgentEntry[] {
    if (this.#poolsVersion !== this.#version) {
      this.#pools.clear();
      this.#poolsVersion = this.#version;
    }
    const known = this.#pools.get(group);
    if (known !== undefined) return known;
    const members = group === EVERYBODY ? this.#agents.values() : this.#groups.get(group);
    if (members === undefined) return nobody; // a request may name any group; only those that exist are remembered
    const pool = [...members].filter(isPresent);
    this.#pools.set(group, pool);
    return pool;
  }

  /** T5 */
  #knownIntervalMs(nowMs: number): number {
    const intervalMs = this.heartbeatIntervalMs;
    if (intervalMs < this.#longestMs) {
      this.#droppedMs ??= nowMs;
      if (nowMs - this.#droppedMs <= this.#options.suspectAfterIntervals * this.#longestMs) return this.#longestMs;
    }
    this.#longestMs = intervalMs;
    this.#droppedMs = undefined;
    return intervalMs;
  }

  #selectIds(ids: readonly string[]): Targets {
    const agents: AgentEntry[] = [];
    const unknown: string[] = [];
    for (const id of new Set(ids)) {
      const entry = this.#agents.get(id);
      if (entry === undefined) unknown.push(id);
      else agents.push(entry);
    }
    return { version: this.#version, agents, unknown };
  }

  /** T4, T3. Amortised O(1): each entry goes once. @returns whether a hello of these bytes fits in place of the old one */
  #makeRoom(old: AgentEntry | undefined, bytes: number): boolean {
    const { agentsMax, bytesMax } = this.#options;
    const fits = () => {
      const entries = this.#agents.size + (old === undefined ? 1 : 0);
      return entries <= agentsMax && this.#bytes + bytes - (old?.bytes ?? 0) <= bytesMax;
    };
    for (const entry of this.#absent) {
      if (fits()) return true;
      if (entry !== old) this.#remove(entry);
    }
    return fits();
  }

  #seen(entry: AgentEntry, load: AgentLoad, process: ProcessLoad, nowMs: number): void {
    entry.lastSeenMs = nowMs;
    entry.load = { inFlight: load.inFlight, queueDepth: load.queueDepth, serviceTimeMs: load.serviceTimeMs };
    entry.process = process;
    this.#setState(entry, "alive");
  }

  #setState(entry: AgentEntry, state: AgentState): void {
    if (entry.state === state) return;
    const wasPresent = isPresent(entry);
    entry.state = state;
    this.#present += Number(isPresent(entry)) - Number(wasPresent);
    if (isPresent(entry)) this.#absent.delete(entry);
    else this.#absent.add(entry);
    this.#version++;
  }

  #add(entry: AgentEntry): void {
    this.#agents.set(entry.id, entry);
    for (const group of entry.groups) addTo(this.#groups, group, entry);
    this.#present++;
    this.#bytes += entry.bytes;
  }

  #remove(entry: AgentEntry): void {
    this.#agents.delete(entry.id);
    this.#absent.delete(entry);
    this.#bytes -= entry.bytes;
    for (const group of entry.groups) removeFrom(this.#groups, group, entry);
    if (isPresent(entry)) this.#present--;
    this.#version++;
  }
}

function isCodec(name: string): name is CodecName {
  return (codecNames as readonly string[]).includes(name);
}

export function isPresent(entry: AgentEntry): boolean {
  return entry.state === "alive" || entry.state === "suspect";
}

function addTo(index: Map<string, Set<AgentEntry>>, key: string, entry: AgentEntry): void {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([entry]));
  else set.add(entry);
}

function removeFrom(index: Map<string, Set<AgentEntry>>, key: string, entry: AgentEntry): void {
  const set = index.get(key);
  set?.delete(entry);
  if (set?.size === 0) index.delete(key);
}
