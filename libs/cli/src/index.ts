/** The `nexus` command line as a function, for embedding and tests. */
export type { Io } from "./io.ts";
export { run } from "./program.ts";
