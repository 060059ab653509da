import { styleText } from "node:util";
import Table from "cli-table3";
import { printable } from "./printable.ts";

export type Colour = "red" | "green" | "yellow" | "cyan" | "gray" | "bold";

/** What is in a table: text of any origin, or a word of ours in a colour. */
export type Cell = string | number | { readonly colour: Colour; readonly word: string };

/** How text is dressed; plain where colours are off. */
export interface Style {
  paint(colour: Colour, text: string): string;
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): string;
  /** The same without lines, for what is drawn again and again in little room. */
  columns(head: readonly string[], rows: readonly (readonly Cell[])[]): string;
}

const lines = ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"] as const;
const walls = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid"] as const;
const lineless = { ...Object.fromEntries([...lines, ...walls].map((part) => [part, ""])), middle: "  " };

export function createStyle(coloured: boolean): Style {
  const paint = (colour: Colour, text: string) => (coloured ? styleText(colour, text, { validateStream: false }) : text);
  const dress = (cell: Cell) => (typeof cell === "object" ? paint(cell.colour, cell.word) : printable(String(cell)));
  const drawn = (table: InstanceType<typeof Table>, rows: readonly (readonly Cell[])[]) => {
    table.push(...rows.map((row) => row.map(dress)));
    return `${table.toString()}\n`;
  };
  const titles = (head: readonly string[]) => head.map((title) => paint("bold", title));
  const bare = { head: [], border: [], compact: true };
  return {
    paint,
    table: (head, rows) => drawn(new Table({ head: titles(head), style: bare }), rows),
    columns(head, rows) {
      const style = { ...bare, "padding-left": 0, "padding-right": 0 };
      return drawn(new Table({ head: titles(head), style, chars: lineless }), rows).replace(/ +$/gm, "");
    },
  };
}

export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** Of 1, in percent. */
export function share(value: number): string {
  return `${Math.round(value * 100)} %`;
}
