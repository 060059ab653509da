import { styleText } from "node:util";
import Table from "cli-table3";
import { printable } from "./printable.ts";

export { printable };

export type Colour = "red" | "green" | "yellow" | "cyan" | "gray" | "bold";

/** What is in a table: text of any origin, or a word of ours in a colour. */
export type Cell = string | number | { readonly colour: Colour; readonly word: string };

/** How text is dressed; plain where colours are off. */
export interface Style {
  paint(colour: Colour, text: string): string;
  table(head: readonly string[], rows: readonly (readonly Cell[])[]): string;
}

export function createStyle(coloured: boolean): Style {
  const paint = (colour: Colour, text: string) => (coloured ? styleText(colour, text, { validateStream: false }) : text);
  return {
    paint,
    table(head, rows) {
      const table = new Table({
        head: head.map((title) => paint("bold", title)),
        style: { head: [], border: [], compact: true },
      });
      const dress = (cell: Cell) => (typeof cell === "object" ? paint(cell.colour, cell.word) : printable(String(cell)));
      table.push(...rows.map((row) => row.map(dress)));
      return `${table.toString()}\n`;
    },
  };
}

export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}
