import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fanoutFor } from "@nexus/core-gossip";
import { quantile } from "@nexus/testing";
import { gossipSuite } from "./suites/gossip.ts";

/** How an update's rounds grow with the nodes, beside their bounds: a table and a picture, for docs/gossip.md. */

export interface RoundsRow {
  readonly nodes: number;
  readonly loss: number;
  readonly fanout: number;
  readonly p50: number;
  readonly p99: number;
  /** ⌈ln N / ln(f + 1)⌉ + 3, and 3 more with loss. */
  readonly boundP99: number;
}

const HEADING = `# Rounds until an update is at every node

As \`npm run sim -- gossip-rounds --seeds 200 --page docs\` writes it.
`;
const NODES = [8, 16, 32, 64, 128, 256, 512];
const LOSSES = [0, 0.2];

export function measureRounds(seeds: number, progress: (line: string) => void): RoundsRow[] {
  return LOSSES.flatMap((loss) =>
    NODES.map((nodes) => {
      progress(`${nodes} nodes, loss ${loss}`);
      const rounds = Array.from({ length: seeds }, (_, index) => {
        const { measured, violations } = gossipSuite.run(index + 1, { nodes, fanout: 0, loss, repair: 0 }, false);
        return violations.length === 0 ? (measured["rounds"] ?? Number.NaN) : Number.POSITIVE_INFINITY;
      });
      const fanout = fanoutFor(nodes, "log2");
      const boundP99 = Math.ceil(Math.log(nodes) / Math.log(fanout + 1)) + 3 + (loss > 0 ? 3 : 0);
      return { nodes, loss, fanout, p50: quantile(rounds, 0.5), p99: quantile(rounds, 0.99), boundP99 };
    }),
  );
}

export function tableOf(rows: readonly RoundsRow[]): string {
  const lines = rows.map(
    ({ nodes, loss, fanout, p50, p99, boundP99 }) => `| ${nodes} | ${fanout} | ${loss * 100} % | ${p50} | ${p99} | ${boundP99} |`,
  );
  return ["| nodes | fan-out | loss | p50 rounds | p99 rounds | bound of p99 |", "|---|---|---|---|---|---|", ...lines, ""].join(
    "\n",
  );
}

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [640, 320, 48, 40, 16];
const colours = { 0: "#1b6ca8", 0.2: "#b5492b" } as const;

/** Lines of p99 with their bounds dashed, over the nodes on a logarithmic scale. */
export function pictureOf(rows: readonly RoundsRow[]): string {
  const roundsMax = Math.max(...rows.map(({ boundP99 }) => boundP99)) + 1;
  const [least, most] = [Math.log2(NODES[0] ?? 1), Math.log2(NODES.at(-1) ?? 1)];
  const x = (nodes: number) => LEFT + ((Math.log2(nodes) - least) / (most - least)) * (WIDTH - LEFT - 120);
  const y = (rounds: number) => HEIGHT - BOTTOM - (rounds / roundsMax) * (HEIGHT - BOTTOM - TOP);
  const lines = LOSSES.flatMap((loss) => {
    const of = rows.filter((row) => row.loss === loss);
    const colour = colours[loss as keyof typeof colours];
    const path = (value: (row: RoundsRow) => number) =>
      of.map((row) => `${x(row.nodes).toFixed(1)},${y(value(row)).toFixed(1)}`).join(" ");
    const last = of.at(-1) as RoundsRow;
    // The lines may meet at their end: names of the one stand above it, of the other below.
    const besides = loss > 0 ? -6 : 16;
    const name = (value: number, text: string) =>
      `<text x="${x(last.nodes) + 8}" y="${(y(value) + besides).toFixed(1)}" fill="${colour}">${text}</text>`;
    return [
      `<polyline points="${path(({ p99 }) => p99)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      `<polyline points="${path(({ boundP99 }) => boundP99)}" fill="none" stroke="${colour}" stroke-dasharray="5 4"/>`,
      name(last.p99, `loss ${loss * 100} %`),
      name(last.boundP99, "its bound"),
    ];
  });
  const ticks = [
    ...NODES.map((nodes) => `<text x="${x(nodes).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${nodes}</text>`),
    ...Array.from({ length: Math.floor(roundsMax / 2) + 1 }, (_, index) => index * 2).map(
      (rounds) => `<text x="${LEFT - 10}" y="${(y(rounds) + 4).toFixed(1)}" text-anchor="end">${rounds}</text>`,
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="p99 rounds until an update is at every node">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 110}" fill="none" stroke="#888"/>
${[...ticks, ...lines].join("\n")}
<text x="${LEFT}" y="${HEIGHT - 6}">nodes; fan-out ⌈log2 N⌉; p99 of rounds until an update is at every node</text>
</svg>
`;
}

/** @param folder where `gossip-rounds.md` and `gossip-rounds.svg` are written */
export async function writePage(rows: readonly RoundsRow[], folder: string): Promise<void> {
  await writeFile(join(folder, "gossip-rounds.md"), `${HEADING}\n${tableOf(rows)}`);
  await writeFile(join(folder, "gossip-rounds.svg"), pictureOf(rows));
}
