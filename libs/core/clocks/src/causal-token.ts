import { type Dot, dotLimits, isDot } from "./dot.ts";
import { VectorClock } from "./vector-clock.ts";

/**
 * What a client hands from one causal request to the next: the clock of what came before, and those operations that some
 * agents have not answered. Who has answered has run it, so only the others still have something to wait for: this is what
 * keeps a token small and lets no agent wait for what was never sent to it.
 *
 * The text is `c1|<clock>|<pending>;<pending>…|.`, a pending one `<session>/<scope>/<seq>` or `…/<agent>,<agent>…`. It is no
 * secret and no proof: whoever reads it checks it, and a forged one harms the forger's own requests.
 */

export interface PendingDot extends Dot {
  /** Agents that have not answered; undefined where they are too many to be named, and every agent heeds it. */
  readonly agents: readonly string[] | undefined;
}

export interface CausalToken {
  readonly clock: VectorClock;
  readonly pending: readonly PendingDot[];
}

export const tokenLimits = { charsMax: 32_768, pendingMax: 256, agentsMax: 128 } as const;

const VERSION = "c1";
/** Shows that nothing is cut off. */
const END = ".";
const PARTS = "|";
const DOTS = ";";
const FIELDS = "/";
const AGENTS = ",";
const RADIX = 36;
const seqPattern = /^[1-9a-z][0-9a-z]{0,9}$/;
const agentPattern = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/**
 * Agents are left unnamed, longest list first, until the text fits.
 * @throws RangeError where it does not fit all the same, or holds what no token may
 */
export function encodeToken({ clock, pending }: CausalToken): string {
  checkPending(pending);
  const lists = pending.map(({ agents }) => (agents === undefined || agents.length > tokenLimits.agentsMax ? undefined : agents));
  for (;;) {
    const dots = pending.map((dot, index) => pendingText(dot, lists[index]));
    const text = [VERSION, clock.encode(), dots.join(DOTS), END].join(PARTS);
    if (text.length <= tokenLimits.charsMax) return text;
    const longest = lists.reduce((best, list, index) => (sizeOf(list) > sizeOf(lists[best]) ? index : best), 0);
    if (lists[longest] === undefined) throw new RangeError(`a causal token has at most ${tokenLimits.charsMax} characters`);
    lists[longest] = undefined;
  }
}

/** @throws RangeError, which says what is wrong */
export function decodeToken(text: string): CausalToken {
  if (text.length > tokenLimits.charsMax) throw new RangeError(`a causal token has at most ${tokenLimits.charsMax} characters`);
  const [version, clock, dots, end, ...more] = text.split(PARTS, 6);
  if (version !== VERSION) throw new RangeError(`a causal token begins with "${VERSION}${PARTS}"`);
  if (clock === undefined || dots === undefined || end !== END || more.length > 0) {
    throw new RangeError("the causal token is cut off or was changed");
  }
  const pending = dots === "" ? [] : dots.split(DOTS, tokenLimits.pendingMax + 1).map(pendingIn);
  checkPending(pending);
  return { clock: VectorClock.decode(clock), pending };
}

/** What each recipient has to wait for, of all that is pending. */
export class Dependencies {
  /** Heeded by everybody, since it is not known by whom. */
  readonly #common: Dot[] = [];
  readonly #byAgent = new Map<string, Dot[]>();

  constructor(pending: readonly PendingDot[]) {
    for (const { session, scope, seq, agents } of pending) {
      const dot = { session, scope, seq };
      if (agents === undefined) this.#common.push(dot);
      for (const agent of agents ?? []) {
        const dots = this.#byAgent.get(agent);
        if (dots === undefined) this.#byAgent.set(agent, [dot]);
        else dots.push(dot);
      }
    }
  }

  of(agent: string): readonly Dot[] {
    const own = this.#byAgent.get(agent);
    return own === undefined ? this.#common : [...this.#common, ...own];
  }
}

/**
 * What is still pending when these agents have answered an operation that was sent behind it: an answer tells that all that
 * the agent had to wait for has ended there too (the transitive reduction). What is heeded by everybody stays.
 */
export function withoutAnswered(pending: readonly PendingDot[], answered: ReadonlySet<string>): PendingDot[] {
  return pending.flatMap((dot) => {
    const agents = dot.agents?.filter((agent) => !answered.has(agent));
    return agents?.length === 0 ? [] : [{ ...dot, agents }];
  });
}

function pendingText({ session, scope, seq }: Dot, agents: readonly string[] | undefined): string {
  const fields = [session, scope, seq.toString(RADIX)];
  return (agents === undefined ? fields : [...fields, agents.join(AGENTS)]).join(FIELDS);
}

function pendingIn(text: string): PendingDot {
  const [session = "", scope = "?", seq = "", agents, ...more] = text.split(FIELDS);
  if (more.length > 0 || !seqPattern.test(seq)) throw new RangeError(`no dot: ${JSON.stringify(text.slice(0, 80))}`);
  const named = agents?.split(AGENTS, tokenLimits.agentsMax + 1);
  if (named !== undefined && named.length > tokenLimits.agentsMax) {
    throw new RangeError(`a causal token names at most ${tokenLimits.agentsMax} agents of an operation`);
  }
  return { session, scope, seq: Number.parseInt(seq, RADIX), agents: named };
}

function checkPending(pending: readonly PendingDot[]): void {
  if (pending.length > tokenLimits.pendingMax) {
    throw new RangeError(`a causal token names at most ${tokenLimits.pendingMax} operations that were not answered`);
  }
  for (const dot of pending) {
    if (!isDot(dot)) {
      const { session, scope, seq } = dot;
      const what = JSON.stringify([session, scope, seq]).slice(0, 160);
      throw new RangeError(`no dot: ${what}; a dot is of a session and a scope, and counts in [1, ${dotLimits.seqMax}]`);
    }
    for (const agent of dot.agents ?? []) {
      if (!agentPattern.test(agent)) throw new RangeError(`no agent: ${JSON.stringify(String(agent).slice(0, 80))}`);
    }
  }
}

function sizeOf(list: readonly string[] | undefined): number {
  return list?.length ?? -1;
}

export const emptyToken: CausalToken = { clock: VectorClock.zero, pending: [] };
