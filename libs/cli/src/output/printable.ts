/** Agents and peers write into what we print; nothing of it may move the cursor or change colours. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "�");
}

/** The same, in one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}

export function clip(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  return charsMax <= 0 ? "" : `${text.slice(0, charsMax - 1)}…`;
}
