import type { Progress } from "../setup/progress.mjs";
import type { Lifecycle } from "./nexus.ts";
import type { Options } from "./options.ts";

/** What every step of the test is given. */
export interface Context {
  /** Of the repository, absolute. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly options: Options;
  readonly progress: Progress;
  /** Aborted when the test is to end early; its reason says why. */
  readonly interruption: AbortSignal;
  /** What has to be undone, told as soon as it is begun; done in reverse order, whatever happened. */
  readonly undo: Lifecycle;
}
