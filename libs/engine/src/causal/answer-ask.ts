import type { CausalAsk } from "@nexus/contracts";
import type { Clock } from "@nexus/ports";
import type { Dispatcher } from "../dispatcher.ts";
import type { AgentEntry } from "../table/routing-table.ts";
import { type CausalSession, orderOf } from "./causal-session.ts";

export interface AskDeps {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly routerId: string;
}

/**
 * Sends an agent again what it misses, or tells it that there is nothing to wait for. A life that the table does not know is
 * told nothing: it will say hello, and ask again.
 * @returns messages sent to it
 */
export function answerAsk(session: CausalSession, entry: AgentEntry | undefined, ask: CausalAsk, deps: AskDeps): number {
  if (entry?.boot !== ask.boot) return 0;
  const { dispatcher, clock, routerId: router } = deps;
  const asker = { agent: entry.id, boot: entry.boot };
  const answers = session.answer(asker, ask);
  for (const answer of answers) {
    if (answer.kind === "nothing") {
      const { from, to, lost } = answer;
      dispatcher.causalNothing(entry, { router, scope: ask.scope, from, to, lost });
      continue;
    }
    const { sending } = answer.message;
    const order = orderOf(answer.message, asker, answer.dot, answer.before);
    const again = { ...sending, frame: { ...sending.frame, causal: { at: () => order, published() {} } } };
    dispatcher.send(entry, again, clock.monotonicMs(), { repeat: true, record: false });
  }
  return answers.length;
}
