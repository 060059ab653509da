import { attributes, type Trace, type TraceSpan } from "@nexus/contracts";
import { type SpanNode, type SpanTree, spanTree } from "../traces/span-tree.ts";
import { clip, printableLine } from "./printable.ts";
import { milliseconds, type Style } from "./style.ts";

/**
 * A trace as a tree: what called what, how long it took, when within the whole, and what is worth knowing of it.
 * Many alike beside each other are folded to the slowest, since a fan-out may have hundreds.
 */
export interface TraceTextOptions {
  readonly columns: number;
  /** Alike siblings that are shown; the others are counted. */
  readonly alikeMax: number;
}

interface Line {
  readonly stem: string;
  readonly name: string;
  readonly span: TraceSpan | undefined;
  readonly note: string;
}

const BAR_COLUMNS = 20;
const NAME_COLUMNS_MAX = 72;

export function traceText(trace: Trace, style: Style, options: TraceTextOptions): string {
  const tree = spanTree(trace);
  const lines = tree.roots.flatMap((root) => linesOf(root, undefined, "", "", options.alikeMax));
  const widest = lines.reduce((most, { stem, name }) => Math.max(most, stem.length + name.length), 0);
  const width = Math.min(NAME_COLUMNS_MAX, widest);
  const notes = [
    ...(trace.warnings ?? []),
    ...(tree.orphans === 0 ? [] : [`spans whose parent is not here: ${tree.orphans} (not recorded, or not arrived yet)`]),
  ];
  return [
    `${headline(trace, tree, style)}\n`,
    ...lines.map((line) => lineText(line, tree, width, style, options.columns)),
    ...notes.map((note) => `${style.paint("yellow", printableLine(note))}\n`),
  ].join("");
}

function headline(trace: Trace, tree: SpanTree, style: Style): string {
  const services = [...new Set(Object.values(trace.processes).map(({ serviceName }) => serviceName))].sort();
  const count = (number: number, one: string) => `${number} ${one}${number === 1 ? "" : "s"}`;
  const failed = trace.spans.filter(isFailed).length;
  return [
    `${style.paint("bold", "trace")} ${printableLine(trace.traceID)}`,
    milliseconds((tree.endUs - tree.startUs) / 1_000),
    count(trace.spans.length, "span"),
    ...(failed === 0 ? [] : [style.paint("red", `${failed} failed`)]),
    printableLine(services.join(", ")),
  ].join("  ");
}

function linesOf(node: SpanNode, parent: SpanNode | undefined, stem: string, childStem: string, alikeMax: number): Line[] {
  const { span, children } = node;
  const shown = folded(children, alikeMax);
  const below = shown.flatMap((item, index) => {
    const isLast = index === shown.length - 1;
    const [branch, next] = isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
    if ("span" in item) return linesOf(item, node, `${childStem}${branch}`, `${childStem}${next}`, alikeMax);
    return [{ stem: `${childStem}${branch}`, name: item.summary, span: undefined, note: "" }];
  });
  return [{ stem, name: printableLine(span.operationName), span, note: noteOf(node, parent) }, ...below];
}

interface Summary {
  readonly summary: string;
}

/** Of each kind of leaf the slowest and every failed one, in their order; the others in one line. */
function folded(children: readonly SpanNode[], alikeMax: number): (SpanNode | Summary)[] {
  const alike = Map.groupBy(children, ({ span, children: below }) => (below.length === 0 ? span.operationName : span.spanID));
  return [...alike.values()].flatMap((nodes): (SpanNode | Summary)[] => {
    if (nodes.length <= alikeMax) return nodes;
    const rank = (node: SpanNode) => (isFailed(node.span) ? 1e18 : 0) + node.span.duration;
    const kept = new Set([...nodes].sort((a, b) => rank(b) - rank(a)).slice(0, alikeMax));
    const durations = nodes.filter((node) => !kept.has(node)).map(({ span }) => span.duration / 1_000);
    const least = durations.reduce((a, b) => Math.min(a, b));
    const most = durations.reduce((a, b) => Math.max(a, b));
    const summary = `… ${durations.length} more, ${milliseconds(least)} to ${milliseconds(most)} (--all shows them)`;
    return [...nodes.filter((node) => kept.has(node)), { summary }];
  });
}

function lineText(line: Line, tree: SpanTree, width: number, style: Style, columns: number): string {
  const { span } = line;
  const label = clip(`${line.stem}${line.name}`, width);
  if (span === undefined) return `${style.paint("gray", label)}\n`;
  const took = milliseconds(span.duration / 1_000).padStart(8);
  const used = width + 2 + took.length + 2 + BAR_COLUMNS + 2 + 2;
  const failed = isFailed(span);
  const mark = failed ? style.paint("red", "✗") : " ";
  const note = clip(printableLine(line.note), Math.max(0, columns - used));
  const stem = label.slice(0, line.stem.length);
  const name = label.slice(line.stem.length).padEnd(width - stem.length);
  const told = `${style.paint("gray", stem)}${failed ? style.paint("red", name) : name}`;
  return `${told}  ${took}  ${style.paint("cyan", bar(span, tree))}  ${mark} ${style.paint("gray", note)}`.trimEnd().concat("\n");
}

/** Where the span lies in the whole trace. */
function bar(span: TraceSpan, { startUs, endUs }: SpanTree): string {
  const whole = Math.max(1, endUs - startUs);
  const from = Math.min(BAR_COLUMNS - 1, Math.floor(((span.startTime - startUs) / whole) * BAR_COLUMNS));
  const columns = Math.max(1, Math.round((span.duration / whole) * BAR_COLUMNS));
  const filled = Math.min(columns, BAR_COLUMNS - from);
  return `${"·".repeat(from)}${"█".repeat(filled)}${"·".repeat(BAR_COLUMNS - from - filled)}`;
}

/** What a reader wants to know of a span beyond its name, most important first; the service where it changes and no agent says it. */
function noteOf({ span, service }: SpanNode, parent: SpanNode | undefined): string {
  const tag = (key: string) => span.tags.find((known) => known.key === key)?.value;
  const text = (key: string, before = "") => (tag(key) === undefined ? undefined : `${before}${String(tag(key))}`);
  const [targeted, responded] = [tag(attributes.agentsTargeted), tag(attributes.agentsResponded)];
  const count = (key: string, after: string) =>
    tag(key) === undefined || tag(key) === 0 ? undefined : `${String(tag(key))} ${after}`;
  const parts = [
    text(attributes.errorType, "error "),
    text(attributes.status),
    targeted === undefined ? undefined : `${String(responded ?? "?")} of ${String(targeted)} agents`,
    count(attributes.agentsMissing, "missing"),
    text(attributes.agentId),
    parent?.service === service || tag(attributes.agentId) !== undefined ? undefined : service,
    tag(attributes.repeated) === true ? "repeated" : undefined,
    count(attributes.handlersUnrecorded, "handlers not recorded"),
    parent === undefined ? text(attributes.requestId, "request ") : undefined,
    ...span.logs.flatMap(({ fields }) => {
      const event = fields.find(({ key }) => key === "event")?.value;
      return event === undefined ? [] : [`event ${String(event)}`];
    }),
    ...(span.warnings ?? []),
  ];
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}

function isFailed(span: TraceSpan): boolean {
  return span.tags.some(({ key, value }) => key === "error" && (value === true || value === "true"));
}
