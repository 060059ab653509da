/** What the commands see of the world: everything that a test wants to replace. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Reads a file whole; `-` is stdin. */
  readonly readInput: (path: string) => Uint8Array;
  readonly outIsTty: boolean;
  /** Of the terminal, now; something usual where there is none. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Where live progress may be drawn; undefined where nobody would see it. */
  readonly progress: NodeJS.WriteStream | undefined;
  /** Told of Ctrl-C and SIGTERM, which then do not end the process by themselves; the returned function ends that. */
  readonly onInterrupt: (listener: () => void) => () => void;
}

/** An empty variable counts as absent. */
export function given(io: Pick<Io, "environment">, name: string): string | undefined {
  const value = io.environment[name];
  return value === "" ? undefined : value;
}
