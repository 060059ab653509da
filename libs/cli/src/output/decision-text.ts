import type { Decision } from "@nexus/contracts";
import { printableLine } from "./printable.ts";
import { milliseconds, type Style } from "./style.ts";

/** How the result was reached: who chose what, every attempt, what each layer cost. */
export function decisionText(decision: Decision, style: Style): string {
  const { ceiling, balancer } = decision;
  const lines = [
    `${decision.layer}/${decision.strategy}: ${decision.why}`,
    `ceiling ${ceiling.layer} (by ${ceiling.by}); available: ${decision.available.join(", ")}; table version ${decision.tableVersion}`,
    ...(balancer === undefined ? [] : [`balancer ${balancer.used}, asked for ${balancer.asked}: ${balancer.why}`]),
    ...outlookLines(decision),
  ].map((line, index) => `${index === 0 ? style.paint("bold", "decision") : "        "}  ${printableLine(line)}\n`);
  const attempts = decision.attempts.map((attempt) => [
    `${attempt.layer}/${attempt.strategy}`,
    milliseconds(attempt.startedMs),
    milliseconds(attempt.durationMs),
    attempt.messages,
    attempt.answers,
    attempt.error === undefined ? "–" : `${attempt.error.code}: ${attempt.error.message}`,
  ]);
  const costs = Object.entries(decision.costs).map(([layer, cost]) => [layer, Math.round(cost.us), cost.messages]);
  return [
    ...lines,
    attempts.length === 0 ? "" : style.table(["attempt", "from", "took", "messages", "answers", "error"], attempts),
    costs.length === 0 ? "" : style.table(["layer", "own work, µs", "messages"], costs),
  ].join("");
}

function outlookLines({ prediction, actual }: Decision): string[] {
  if (prediction === undefined) return [];
  const tell = (outlook: Decision["actual"]) =>
    [
      outlook.durationMs === undefined ? undefined : milliseconds(outlook.durationMs),
      outlook.success === undefined ? undefined : `success ${outlook.success.toFixed(2)}`,
    ]
      .filter((part) => part !== undefined)
      .join(", ");
  return [`predicted ${tell(prediction)}; was ${tell(actual)}`];
}
