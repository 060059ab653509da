/** What a `.cpuprofile` of V8 says about where the time went, by file and function. Pure. */

/** As `node --cpu-prof` writes it. https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of the nodes on top, in order. */
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

export interface FunctionTime {
  readonly name: string;
  /** From 1; 0 where V8 has none. */
  readonly line: number;
  readonly selfUs: number;
}

export interface FileTime {
  readonly file: string;
  readonly selfUs: number;
  readonly functions: readonly FunctionTime[];
}

export interface ProfileSummary {
  /** Without idling. */
  readonly busyUs: number;
  readonly idleUs: number;
  /** The most expensive first; functions too. */
  readonly files: readonly FileTime[];
}

/** @param shortened the file of a URL, as it is shown; `(v8)` stands for what has no file */
export function summaryOf(profile: CpuProfile, shortened: (url: string) => string): ProfileSummary {
  const selfUs = new Map<number, number>();
  for (const [index, node] of profile.samples.entries()) {
    // A sample stands for the time until the next one.
    selfUs.set(node, (selfUs.get(node) ?? 0) + Math.max(0, profile.timeDeltas[index + 1] ?? 0));
  }
  let idleUs = 0;
  let busyUs = 0;
  const files = new Map<string, Map<string, FunctionTime>>();
  for (const { id, callFrame } of profile.nodes) {
    const spent = selfUs.get(id) ?? 0;
    if (callFrame.functionName === "(idle)") idleUs += spent;
    else {
      busyUs += spent;
      addTo(files, callFrame.url === "" ? "(v8)" : shortened(callFrame.url), callFrame, spent);
    }
  }
  return { busyUs, idleUs, files: [...files].map(([file, functions]) => fileTimeOf(file, functions)).sort(bySelf) };
}

function addTo(
  files: Map<string, Map<string, FunctionTime>>,
  file: string,
  frame: CpuProfile["nodes"][number]["callFrame"],
  spentUs: number,
): void {
  if (spentUs === 0) return;
  let functions = files.get(file);
  if (functions === undefined) {
    functions = new Map();
    files.set(file, functions);
  }
  const name = frame.functionName === "" ? "(anonymous)" : frame.functionName;
  const line = frame.lineNumber + 1;
  const key = `${name}:${line}`;
  functions.set(key, { name, line, selfUs: (functions.get(key)?.selfUs ?? 0) + spentUs });
}

function fileTimeOf(file: string, functions: ReadonlyMap<string, FunctionTime>): FileTime {
  const sorted = [...functions.values()].sort(bySelf);
  return { file, selfUs: sorted.reduce((sum, { selfUs }) => sum + selfUs, 0), functions: sorted };
}

function bySelf(a: { readonly selfUs: number }, b: { readonly selfUs: number }): number {
  return b.selfUs - a.selfUs;
}

const FILES_SHOWN = 24;
const FUNCTIONS_SHOWN = 6;
const SHARE_SHOWN_MIN = 0.003;

/** The summary as text: shares of the time that was not idle. */
export function profileText(name: string, summary: ProfileSummary): string {
  const share = (us: number): string => `${((100 * us) / Math.max(1, summary.busyUs)).toFixed(1)} %`.padStart(7);
  const lines = [
    `${name}: busy ${(summary.busyUs / 1e6).toFixed(2)} s, idle ${(summary.idleUs / 1e6).toFixed(2)} s; self time, share of busy`,
  ];
  for (const { file, selfUs, functions } of summary.files.slice(0, FILES_SHOWN)) {
    if (selfUs < SHARE_SHOWN_MIN * summary.busyUs) break;
    lines.push(`${share(selfUs)}  ${file}`);
    for (const { name: called, line, selfUs: own } of functions.slice(0, FUNCTIONS_SHOWN)) {
      if (own >= SHARE_SHOWN_MIN * summary.busyUs) lines.push(`${share(own)}      ${called}${line > 0 ? `:${line}` : ""}`);
    }
  }
  return lines.join("\n");
}
