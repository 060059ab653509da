import type { Spread } from "../ratios.ts";
import type { Load, Measure } from "../suite.ts";
import type { AimReport, Group, Report } from "./report.ts";

/** The report as text, for people. */
export function tableOf(report: Report): string {
  return [heading(report), ...report.loads.map((load) => loadTable(report, load)), aimLines(report), verdict(report)]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

function heading(report: Report): string {
  const { machine, phases } = report;
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  const stale = report.profiled ? "\nUnder a profiler: these figures are no measurement." : "";
  const quick = report.quick ? "\nA quick run: it shows that the suite works, and measures nothing." : "";
  return [
    `${report.suite}: ${report.summary}`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, node ${machine.node}, ${versions.join(", ")}`,
    `load average at begin ${machine.loadAverage.join(" ")}; ${othersOf(report)}`,
    `${report.takenAt}, commit ${machine.commit ?? "unknown"}, seed ${report.seed}, ${phases.rounds} rounds of ${phases.measureMs} ms`,
  ]
    .join("\n")
    .concat(stale, quick);
}

function othersOf({ results }: Report): string {
  const shares = results.flatMap(({ othersCores }) => othersCores ?? []).sort((a, b) => a - b);
  if (shares.length === 0) return "what other processes took is not known";
  const middle = shares[shares.length >> 1] as number;
  return `other processes kept ${middle.toFixed(2)} cores busy (median of the phases; at most ${(shares.at(-1) as number).toFixed(2)})`;
}

/** How the load is made, in words: a closed loop must say that it is one. */
export function loadInWords(load: Load): string {
  return load.kind === "in-flight"
    ? `closed loop, ${load.inFlight} in flight: a slow answer holds back the next request; "corrected" puts those back in`
    : `open loop, ${load.perSecond} requests/s: latency counts from when a request was due`;
}

const columns = [
  "",
  "requests/s",
  "p50 µs",
  "p99 µs",
  "p99.9 µs",
  "corrected p99",
  "cpu µs/req",
  "ratio p50",
  "ratio req/s",
  "ratio cpu",
];

function loadTable(report: Report, load: Load): string {
  const rows = report.groups.filter((group) => group.load === load.name).map((group) => rowOf(group));
  const cpu = report.groups
    .filter((group) => group.load === load.name)
    .map((group) => `  cpu of ${group.candidate}, µs/request: ${rolesOf(group)}`);
  return [`${load.name} (${loadInWords(load)})`, aligned([columns, ...rows]), ...cpu].join("\n");
}

function rowOf(group: Group): string[] {
  const middle = (measure: Measure, digits = 0): string => group.values[measure]?.median.toFixed(digits) ?? "–";
  return [
    group.candidate,
    middle("requestsPerSecond"),
    middle("p50"),
    middle("p99"),
    at(group.curve, 1_000),
    at(group.correctedCurve, 100),
    middle("cpuUsPerRequest", 1),
    spreadText(group.ratios?.p50),
    spreadText(group.ratios?.requestsPerSecond),
    spreadText(group.ratios?.cpuUsPerRequest),
  ];
}

function at(curve: Group["curve"], outOf: number): string {
  const point = curve.find((candidate) => candidate.outOf >= outOf * 0.999);
  return point === undefined ? "–" : String(point.us);
}

function rolesOf({ cpuUsByRole }: Group): string {
  return Object.entries(cpuUsByRole)
    .filter(([, us]) => us >= 0.5)
    .sort(([, a], [, b]) => b - a)
    .map(([role, us]) => `${role} ${us.toFixed(0)}`)
    .join(", ");
}

/** `1.42 (1.38–1.51)`: the median of the rounds' ratios, the least and the greatest. */
function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "";
  return `${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)})`;
}

function aimLines({ aims }: Report): string {
  return aims.map((aim) => `${aim.holds ? "holds        " : "does not hold"}  ${aimInWords(aim)}: ${aimOutcome(aim)}`).join("\n");
}

const measureWords: Readonly<Record<Measure, string>> = {
  p50: "p50",
  p99: "p99",
  requestsPerSecond: "requests/s",
  cpuUsPerRequest: "cpu per request",
};

export function aimInWords({ candidate, base, measure, load, bound }: AimReport): string {
  const limit = "atMost" in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
  return `${candidate}'s ${measureWords[measure]} ${limit} × ${base}'s, ${load}`;
}

export function aimOutcome({ ratio, heldIn, rounds }: AimReport): string {
  if (ratio === undefined) return "not measured";
  const [low, high] = ratio.interval ?? [];
  const interval = low === undefined || high === undefined ? "" : `, 95 % interval ${low.toFixed(2)}–${high.toFixed(2)}`;
  return `${spreadText(ratio)}${interval}; in ${heldIn} of ${rounds} rounds`;
}

function verdict({ valid, voidReasons }: Report): string {
  if (valid) return "The run is valid: no errors, and every load was reached.";
  return ["The run is void:", ...voidReasons.slice(0, 20).map((reason) => `  ${reason}`)].join("\n");
}

/** Columns of equal width: the first to the left, the others to the right. */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ");
  return rows.map((row) => `  ${line(row).trimEnd()}`).join("\n");
}
