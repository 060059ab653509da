import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ratioBars } from "./ratio-bars.ts";
import type { Report } from "./report.ts";
import { aimInWords, aimOutcome, loadInWords, tableOf } from "./table.ts";

/** The report as one HTML file that needs nothing else: script, style and data are in it. */
export async function pageOf(report: Report): Promise<string> {
  const [library, libraryStyle, style, charts] = await Promise.all([
    textOf(import.meta.resolve("uplot/dist/uPlot.iife.min.js")),
    textOf(import.meta.resolve("uplot/dist/uPlot.min.css")),
    textOf(new URL("./page.css", import.meta.url).href),
    textOf(new URL("./page-charts.mjs", import.meta.url).href),
  ]);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Nexus bench: ${escaped(report.suite)}</title>
<style>${libraryStyle}</style>
<style>${style}</style>
</head>
<body>
${bodyOf(report)}
<script>${library}</script>
<script id="report" type="application/json">${embedded(chartData(report))}</script>
<script type="module">${charts}</script>
</body>
</html>
`;
}

function bodyOf(report: Report): string {
  const { machine } = report;
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`);
  const facts: [string, string][] = [
    ["machine", `${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}`],
    ["software", [`node ${machine.node}`, ...versions, `commit ${machine.commit ?? "unknown"}`].join(", ")],
    ["load average at begin", machine.loadAverage.join(" ")],
    ["taken", `${report.takenAt}, seed ${report.seed}, ${report.phases.rounds} rounds of ${report.phases.measureMs} ms`],
    ...report.candidates.map(({ name, kind, what }): [string, string] => [`${name} (${kind})`, what]),
  ];
  return `<main>
<h1>${escaped(report.suite)}</h1>
<p>${escaped(report.summary)}</p>
${warnings(report)}
<dl>${facts.map(([term, text]) => `<dt>${escaped(term)}</dt><dd>${escaped(text)}</dd>`).join("")}</dl>
<h2>Aims</h2>
<ul class="aims">${report.aims.map((aim) => `<li class="${aim.holds ? "holds" : "misses"}"><b>${aim.holds ? "holds" : "does not hold"}</b> ${escaped(`${aimInWords(aim)}: ${aimOutcome(aim)}`)}</li>`).join("")}</ul>
<h2>Ratios to ${escaped(report.floor)}</h2>
<p class="note">Bar: median of the rounds' ratios. Whisker: least and greatest. Thick line: 1. Dashed: the aim.</p>
${report.loads.map((load) => ratioBars(report, load.name)).join("\n")}
<h2>Latency by percentile</h2>
<p class="note">All rounds together; both axes logarithmic.</p>
${report.loads.map((load, index) => `<figure><figcaption>${escaped(`${load.name}: ${loadInWords(load)}`)}</figcaption><div class="chart" data-load="${index}"></div></figure>`).join("\n")}
<h2>As text</h2>
<pre>${escaped(tableOf(report))}</pre>
</main>`;
}

function warnings(report: Report): string {
  const texts = [
    ...(report.valid ? [] : [`This run is void: ${report.voidReasons.slice(0, 5).join("; ")}`]),
    ...(report.quick ? ["A quick run: it shows that the suite works, and measures nothing."] : []),
    ...(report.profiled ? ["Under a profiler: these figures are no measurement."] : []),
  ];
  return texts.map((text) => `<p class="warning">${escaped(text)}</p>`).join("");
}

/** What `page-charts.mjs` draws. */
function chartData({ loads, candidates, groups }: Report): unknown {
  return loads.map((load) => ({
    load: load.name,
    series: candidates.flatMap(({ name }) => {
      const group = groups.find((other) => other.load === load.name && other.candidate === name);
      if (group === undefined) return [];
      const { curve, correctedCurve } = group;
      const corrected = { name: `${name}, corrected`, of: name, corrected: true, curve: correctedCurve };
      return [{ name, of: name, corrected: false, curve }, ...(load.kind === "in-flight" ? [corrected] : [])];
    }),
  }));
}

function textOf(url: string): Promise<string> {
  return readFile(fileURLToPath(url), "utf8");
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** JSON that cannot end the element that it stands in. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
