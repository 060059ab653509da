import { type Fence, fencesOf } from "./markdown.ts";

/**
 * What a page has its reader do, in order. The fences say it, in words that pages do not show:
 *
 * - ```` ```sh ```` is run to its end and must exit with 0; ```` ```sh exit 2 ```` with another code;
 * - ```` ```sh background ```` is started and stays until the page ends;
 * - ```` ```text output ```` and ```` ```json output ````, or ```` ```json refusal output ```` where it is a whole message,
 *   right after one of them is what it must say;
 * - ```` ```ts my-agent.ts ```` and ```` ```json request greet.json ```` are files that the reader saves.
 */

export interface FileStep {
  readonly kind: "file";
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

export interface RunStep {
  readonly kind: "run";
  readonly script: string;
  readonly background: boolean;
  readonly exitCode: number;
  readonly output: { readonly language: string; readonly text: string; readonly line: number } | undefined;
  readonly line: number;
}

export type PageStep = FileStep | RunStep;

/** @throws Error for a fence whose words are not understood */
export function stepsOfPage(markdown: string): PageStep[] {
  const fences = fencesOf(markdown);
  const steps = fences.map((fence, index) => stepOf(fence, fences[index + 1]));
  const orphan = fences.find((fence, index) => isOutput(fence) && fences[index - 1]?.language !== "sh");
  if (orphan !== undefined) throw new Error(`line ${orphan.line}: an output follows no command`);
  return steps.filter((step) => step !== undefined);
}

function isOutput({ language, label }: Fence): boolean {
  return (language === "text" || language === "json") && label.split(" ").includes("output");
}

function stepOf(fence: Fence, next: Fence | undefined): PageStep | undefined {
  const { language, label, text, line } = fence;
  if (language === "sh") {
    const words = /^(?:(background)|exit (\d+))?$/.exec(label);
    if (words === null) throw new Error(`line ${line}: "sh ${label}" is not understood`);
    const output = next !== undefined && isOutput(next) ? next : undefined;
    return { kind: "run", script: text, background: words[1] !== undefined, exitCode: Number(words[2] ?? 0), output, line };
  }
  const name = label.split(" ").find((word) => /^[\w-]+\.\w+$/.test(word));
  return name === undefined ? undefined : { kind: "file", name, text: `${text}\n`, line };
}
