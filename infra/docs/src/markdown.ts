/** Reading and writing Markdown, as far as the documents need it. */

/** A fenced block: ```` ```json hello ````, its text, the line of its fence, and the heading that it stands under. */
export interface Fence {
  readonly language: string;
  /** What the fence says after the language. */
  readonly label: string;
  readonly text: string;
  readonly line: number;
  readonly heading: string;
}

/** The fenced blocks of a document in their order; those within lists are cut to their own indent. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  let heading = "";
  let open: { indent: number; language: string; label: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^( *)```(\w*) *(.*)$/.exec(line);
    if (open !== undefined) {
      if (fence?.[2] === "" && fence[3] === "") {
        fences.push({ language: open.language, label: open.label, text: open.lines.join("\n"), line: open.line, heading });
        open = undefined;
      } else open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    } else if (fence !== null) {
      const [, indent = "", language = "", label = ""] = fence;
      open = { indent: indent.length, language, label: label.trim(), line: index + 1, lines: [] };
    } else heading = /^#+ +(.*)$/.exec(line)?.[1] ?? heading;
  }
  return fences;
}

/** A table; cells may hold whatever but line breaks. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function cell(text: string): string {
  return text === "" ? "–" : text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** The anchor that a heading gets. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

export function headingsOf(markdown: string): string[] {
  const prose = markdown.replace(/^ *```[\s\S]*?^ *```$/gm, "");
  return [...prose.matchAll(/^#+ +(.*)$/gm)].map(([, heading = ""]) => heading.trim());
}

/** Targets of the links in the prose. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^ *```[\s\S]*?^ *```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
}

/** Numbers as people write them: `10,000`. */
export function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 });
}

const marker = /^<!-- generated: ([\w-]+) -->\n[\s\S]*?^<!-- end -->$/gm;

/** Fills the places of a hand-written page that are marked as generated. @throws Error for a mark that nothing fills */
export function fillMarkers(markdown: string, parts: Readonly<Record<string, string>>): string {
  return markdown.replace(marker, (_, name: string) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`nothing fills the mark "${name}"`);
    return `<!-- generated: ${name} -->\n\n${part.trim()}\n\n<!-- end -->`;
  });
}
