export const rows: readonly { name: string; files: string[]; may: string[] }[];
export const wrapped: Readonly<Record<string, readonly string[]>>;
