/** What the commands see of the world: everything that a test wants to replace. */
export interface Io {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Reads a file whole; `-` is stdin. */
  readonly readInput: (path: string) => Uint8Array;
  readonly outIsTty: boolean;
  /** Where live progress may be drawn; undefined where nobody would see it. */
  readonly progress: NodeJS.WriteStream | undefined;
}
