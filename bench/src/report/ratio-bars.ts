import type { Spread } from "../ratios.ts";
import type { Measure } from "../suite.ts";
import type { AimReport, Report } from "./report.ts";

/** Bars of one load's ratios to the floor, as SVG. */

const LABEL_WIDTH = 210;
const BAR_WIDTH = 430;
const VALUE_WIDTH = 140;
const ROW_HEIGHT = 26;
const TITLE_HEIGHT = 24;

const shown: readonly { readonly measure: Measure; readonly label: string }[] = [
  { measure: "p50", label: "p50 (lower is better)" },
  { measure: "p99", label: "p99 (lower is better)" },
  { measure: "requestsPerSecond", label: "requests/s (higher is better)" },
  { measure: "cpuUsPerRequest", label: "cpu per request (lower is better)" },
];

interface Row {
  readonly label: string;
  readonly spread: Spread;
  readonly aim: AimReport | undefined;
}

export function ratioBars(report: Report, load: string): string {
  const subjects = report.groups.filter((group) => group.load === load && group.ratios !== undefined);
  const rows: Row[] = subjects.flatMap(({ candidate, ratios }) =>
    shown.flatMap(({ measure, label }) => {
      const spread = ratios?.[measure];
      const aim = report.aims.find((other) => other.load === load && other.measure === measure && other.candidate === candidate);
      return spread === undefined ? [] : [{ label: subjects.length > 1 ? `${candidate}: ${label}` : label, spread, aim }];
    }),
  );
  const most = Math.max(2, ...rows.flatMap(({ spread, aim }) => [spread.max, aim === undefined ? 0 : boundOf(aim)])) * 1.05;
  const height = TITLE_HEIGHT + rows.length * ROW_HEIGHT;
  const x = (ratio: number): number => LABEL_WIDTH + (ratio / most) * BAR_WIDTH;
  return `<svg class="ratios" viewBox="0 0 ${LABEL_WIDTH + BAR_WIDTH + VALUE_WIDTH} ${height}" role="img" aria-label="ratios, ${load}">
<text class="title" x="0" y="15">${load}</text>
<line class="one" x1="${x(1)}" x2="${x(1)}" y1="${TITLE_HEIGHT - 4}" y2="${height}"/>
${rows.map((row, index) => bar(row, TITLE_HEIGHT + index * ROW_HEIGHT, x)).join("\n")}
</svg>`;
}

function bar({ label, spread, aim }: Row, top: number, x: (ratio: number) => number): string {
  const middle = top + ROW_HEIGHT / 2;
  const outcome = aim === undefined ? "" : aim.holds ? " holds" : " misses";
  const mark =
    aim === undefined
      ? ""
      : `<line class="aim" x1="${x(boundOf(aim))}" x2="${x(boundOf(aim))}" y1="${top + 1}" y2="${top + 25}"/>`;
  return `<text x="0" y="${middle + 4}">${label}</text>
<rect class="bar${outcome}" x="${LABEL_WIDTH}" y="${top + 5}" width="${x(spread.median) - LABEL_WIDTH}" height="16" rx="2"/>
<line class="whisker" x1="${x(spread.min)}" x2="${x(spread.max)}" y1="${middle}" y2="${middle}"/>
<line class="whisker" x1="${x(spread.min)}" x2="${x(spread.min)}" y1="${middle - 4}" y2="${middle + 4}"/>
<line class="whisker" x1="${x(spread.max)}" x2="${x(spread.max)}" y1="${middle - 4}" y2="${middle + 4}"/>${mark}
<text x="${LABEL_WIDTH + BAR_WIDTH + 8}" y="${middle + 4}">${spread.median.toFixed(2)} (${spread.min.toFixed(2)}–${spread.max.toFixed(2)})</text>`;
}

function boundOf({ bound }: AimReport): number {
  return "atMost" in bound ? bound.atMost : bound.atLeast;
}
