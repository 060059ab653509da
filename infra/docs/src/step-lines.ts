/**
 * Links from a page to the lines of a program: `[step 3](../examples/agent.ts#L10-L20)` leads to the part of the program
 * that begins with the comment `// Step 3` and goes on to the next. The lines are filled in, so that they stay right.
 */

export function fillStepLines(markdown: string, path: string, program: string): string {
  const steps = stepsOf(program);
  const link = new RegExp(`\\[step (\\d+)\\]\\(${path.replaceAll(".", "\\.")}(?:#[^)]*)?\\)`, "g");
  return markdown.replace(link, (_, step: string) => {
    const lines = steps.get(step);
    if (lines === undefined) throw new Error(`${path} has no step ${step}`);
    return `[step ${step}](${path}#L${lines.first}-L${lines.last})`;
  });
}

/** First and last line of each step. */
function stepsOf(program: string): Map<string, { readonly first: number; readonly last: number }> {
  const lines = program.trimEnd().split("\n");
  const begins = lines.flatMap((line, index) => {
    const step = /^\s*\/\/ Step (\d+)/.exec(line)?.[1];
    return step === undefined ? [] : [{ step, first: index + 1 }];
  });
  return new Map(
    begins.map(({ step, first }, position) => {
      let last = (begins[position + 1]?.first ?? lines.length + 1) - 1;
      while (lines[last - 1]?.trim() === "") last--;
      return [step, { first, last }];
    }),
  );
}
