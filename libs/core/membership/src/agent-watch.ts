import { observersOf } from "./observers.ts";

/**
 * Notices that an agent is gone: each agent has two observers among the members, who probe it once it has missed heartbeats. Pure.
 *
 * Invariants
 * W1. Only agents that this member observes are kept, at most `agentsMax`; a further one is counted.
 * W2. Nobody is accused unasked: a verdict follows probes that were not answered in time.
 * W3. Where there are two observers, `dead` needs both: the one that accuses, and the other one, whose own probe fails as well.
 * W4. Whatever is heard of an agent takes every accusation of this life back, at once.
 * W5. A new life is another agent; what is said of an earlier one does not touch it.
 * W6. A pause of this member's own, in which it could hear nobody, is nobody's silence.
 */
export type Verdict = "alive" | "suspect" | "dead";

export interface Judged {
  readonly agent: string;
  /** The life that is judged. */
  readonly boot: string;
  readonly verdict: Verdict;
}

export interface AgentWatchOptions {
  readonly agentsMax: number;
  /** Missed intervals after which an agent is probed. */
  readonly probeAfterIntervals: number;
  /** How long a probe's answer may take. */
  readonly answerMs: number;
  /** Probes without an answer before it is suspect; where it has one observer alone, twice as many before it is dead. */
  readonly probes: number;
  /** After so long nobody looks any more. */
  readonly forgetAfterMs: number;
}

export const agentWatchDefaults: AgentWatchOptions = {
  agentsMax: 100_000,
  probeAfterIntervals: 1.5,
  answerMs: 500,
  probes: 2,
  forgetAfterMs: 600_000,
};

export interface WatchEffects {
  /** Agents to be asked for a sign of life. */
  readonly probes: readonly string[];
  /** To be told to everybody. */
  readonly verdicts: readonly Judged[];
}

interface Watched {
  boot: string;
  heardMs: number;
  verdict: Verdict;
  /** Probes since it was last heard, and when the last one was. */
  probed: number;
  probedMs: number;
  /** Another observer accuses it. */
  accused: boolean;
}

const OBSERVERS = 2;
/** A step that comes so much later than the one before says that this member slept. */
const PAUSE_MS = 2_000;

export class AgentWatch {
  readonly #self: string;
  readonly #options: AgentWatchOptions;
  readonly #agents = new Map<string, Watched>();
  #members: readonly string[];
  #intervalMs: number;
  #overflows = 0;
  #nowMs: number | undefined;

  /** @param intervalMs of heartbeats, until routers say otherwise */
  constructor(self: string, options: Partial<AgentWatchOptions> = {}, intervalMs = 1_000) {
    this.#self = self;
    this.#options = { ...agentWatchDefaults, ...options };
    this.#members = [self];
    this.#intervalMs = intervalMs;
  }

  get counts(): { readonly observed: number; readonly suspect: number; readonly dead: number; readonly overflows: number } {
    let [suspect, dead] = [0, 0];
    for (const { verdict } of this.#agents.values()) {
      if (verdict === "suspect") suspect++;
      if (verdict === "dead") dead++;
    }
    return { observed: this.#agents.size, suspect, dead, overflows: this.#overflows };
  }

  /** Live members, this one among them. What is not observed here any more is forgotten. O(agents × members) */
  membersAre(members: readonly string[]): void {
    this.#members = members;
    for (const agent of this.#agents.keys()) if (!this.#observes(agent)) this.#agents.delete(agent);
  }

  /** Routers told agents another interval. */
  intervalIs(intervalMs: number): void {
    this.#intervalMs = intervalMs;
  }

  /** Anything that only this life of the agent can have said. @returns W4 */
  heard(agent: string, boot: string, nowMs: number): readonly Judged[] {
    const known = this.#agents.get(agent);
    if (known === undefined) {
      this.#begin(agent, boot, nowMs);
      return [];
    }
    const wasAccused = known.verdict !== "alive" || known.accused;
    Object.assign(known, { boot, heardMs: nowMs, verdict: "alive", probed: 0, accused: false }); // W5
    return wasAccused ? [{ agent, boot, verdict: "alive" }] : [];
  }

  /** It said that it leaves. */
  left(agent: string, boot: string): void {
    if (this.#agents.get(agent)?.boot === boot) this.#agents.delete(agent);
  }

  /** What another member says. An accusation is looked into at once (W3). */
  told({ agent, boot, verdict }: Judged, nowMs: number): WatchEffects {
    const known = this.#agents.get(agent);
    if (known === undefined || known.boot !== boot) return { probes: [], verdicts: [] };
    if (verdict === "suspect" && !known.accused) {
      known.accused = true;
      return { probes: known.probed === 0 ? [this.#probe(agent, known, nowMs)] : [], verdicts: [] };
    }
    if (verdict === "dead") known.verdict = "dead";
    if (verdict === "alive") Object.assign(known, { verdict: "alive", probed: 0, accused: false, heardMs: nowMs });
    return { probes: [], verdicts: [] };
  }

  /** To be called several times in `answerMs`. O(agents) */
  tick(nowMs: number): WatchEffects {
    const sinceMs = nowMs - (this.#nowMs ?? nowMs);
    this.#nowMs = nowMs;
    if (sinceMs > PAUSE_MS) this.#forgive(sinceMs); // W6
    const [probes, verdicts]: [string[], Judged[]] = [[], []];
    for (const [agent, known] of this.#agents) {
      if (nowMs - known.heardMs > this.#options.forgetAfterMs) this.#agents.delete(agent);
      else if (known.verdict !== "dead") this.#look(agent, known, nowMs, probes, verdicts);
    }
    return { probes, verdicts };
  }

  #look(agent: string, known: Watched, nowMs: number, probes: string[], verdicts: Judged[]): void {
    const { probeAfterIntervals, answerMs, probes: enough } = this.#options;
    const isSilent = nowMs - known.heardMs > probeAfterIntervals * this.#intervalMs;
    if (!isSilent && !known.accused) return;
    if (known.probed > 0 && nowMs - known.probedMs < answerMs) return; // W2
    const verdict = known.probed < enough && !known.accused ? undefined : this.#verdictOn(known);
    if (verdict !== undefined && verdict !== known.verdict) {
      known.verdict = verdict;
      verdicts.push({ agent, boot: known.boot, verdict });
    }
    if (verdict !== "dead") probes.push(this.#probe(agent, known, nowMs));
  }

  /** W3 */
  #verdictOn({ probed, accused }: Watched): Verdict | undefined {
    if (probed === 0) return undefined;
    if (accused) return "dead";
    const isAlone = this.#members.length < OBSERVERS;
    return isAlone && probed >= 2 * this.#options.probes ? "dead" : "suspect";
  }

  #probe(agent: string, known: Watched, nowMs: number): string {
    known.probed++;
    known.probedMs = nowMs;
    return agent;
  }

  #begin(agent: string, boot: string, nowMs: number): void {
    if (!this.#observes(agent)) return; // W1
    if (this.#agents.size >= this.#options.agentsMax) {
      this.#overflows++;
      return;
    }
    this.#agents.set(agent, { boot, heardMs: nowMs, verdict: "alive", probed: 0, probedMs: 0, accused: false });
  }

  #forgive(ms: number): void {
    for (const known of this.#agents.values()) {
      known.heardMs += ms;
      known.probedMs += ms;
    }
  }

  #observes(agent: string): boolean {
    return this.#members.length <= OBSERVERS || observersOf(agent, this.#members, OBSERVERS).includes(this.#self);
  }
}
