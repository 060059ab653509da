import manifest from "../package.json" with { type: "json" };

/** The version of this build: all packages of the workspace share one. */
export const VERSION: string = manifest.version;
