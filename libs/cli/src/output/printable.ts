// biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Agents and peers write into what we print; nothing of it may move the cursor, change colours, or turn the direction in
 * which a line is read.
 */
export function printable(text: string): string {
  return text.replace(unprintable, "�");
}

/** The same, in one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}

export function clip(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return charsMax <= 0 ? "" : `${text.slice(0, charsMax - 1)}…`;
}
