/** Runs in the page: draws the percentile curves with uPlot, which the page holds as the global `uPlot`. */

const loads = JSON.parse(document.querySelector("#report").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const [ink, grid] = dark ? ["#9aa1a8", "#343a40"] : ["#60666c", "#e3e6e9"];
const colours = dark ? ["#9aa1a8", "#6ea8ff", "#f0a35e", "#7fd1a0"] : ["#7a828a", "#2563c9", "#c96a1b", "#2e8b57"];
const HEIGHT = 300;

/** 1 in 100 takes longer: 99 %. */
function percentile(outOf) {
  return `${+(100 * (1 - 1 / outOf)).toPrecision(8)} %`;
}

function micros(value) {
  return value >= 1_000 ? `${+(value / 1_000).toPrecision(3)} ms` : `${value} µs`;
}

/** uPlot wants one x axis for all series; the curves share their grid and differ in length alone. */
function aligned(series) {
  const xs = [...new Set(series.flatMap(({ curve }) => curve.map(({ outOf }) => outOf)))].sort((a, b) => a - b);
  const columns = series.map(({ curve }) => {
    const byX = new Map(curve.map(({ outOf, us }) => [outOf, us]));
    return xs.map((x) => byX.get(x) ?? null);
  });
  return [xs, ...columns];
}

function options(series, width) {
  const names = [...new Set(series.map(({ of }) => of))];
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
  const powerOfTen = (value) => Number.isInteger(+Math.log10(value).toFixed(6));
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
    axes: [
      { ...axis, values: (_, splits) => splits.map((value) => (powerOfTen(value) ? percentile(value) : "")) },
      { ...axis, size: 72, values: (_, splits) => splits.map((value) => (/^[125]/.test(String(value)) ? micros(value) : "")) },
    ],
    series: [
      { label: "percentile", value: (_, value) => (value === null ? "–" : percentile(value)) },
      ...series.map(({ name, of, corrected }) => ({
        label: name,
        stroke: colours[names.indexOf(of) % colours.length],
        width: corrected ? 1 : 2,
        dash: corrected ? [4, 4] : undefined,
        points: { show: false },
        value: (_, value) => (value === null ? "–" : micros(value)),
      })),
    ],
  };
}

for (const place of document.querySelectorAll(".chart")) {
  const { series } = loads[Number(place.dataset.load)];
  if (series.every(({ curve }) => curve.length === 0)) place.textContent = "nothing was measured";
  else new uPlot(options(series, place.clientWidth), aligned(series), place);
}
