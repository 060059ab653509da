export const HELP = `npm run compose:test              the whole Compose stack, really started, checked and taken down again
npm run compose:test -- --json     one JSON object on stdout
npm run compose:test -- --offline  pull no image; what is not there is replaced by a stand-in built from Debian's packages
npm run compose:test -- --strict   a machine that cannot run the test is a failure, not a skip
npm run compose:test -- --fresh    build the Debian base system anew instead of taking the one kept from an earlier run

Uses the Docker engine that runs; where none does, installs Debian's packages as root or with sudo and starts a private one,
which is stopped and removed at the end. Progress is told on stderr. NODE_IMAGE, NATS_IMAGE, REDIS_IMAGE and JAEGER_IMAGE name
other images, and BUILD_NETWORK the network of the build, as they do for Compose.

The last line is "N passed, N failed, N skipped"; a check that was not reached is skipped. The exit code is 0 when everything
holds, or where the machine cannot run the test ("skipped: …" says what it lacks); 1 when something does not hold; 2 for a wrong
option; 128 + n after a signal, with everything taken down.
`;

export interface Options {
  readonly json: boolean;
  readonly offline: boolean;
  readonly strict: boolean;
  readonly fresh: boolean;
}

const names = ["json", "offline", "strict", "fresh"] as const;

export function parseOptions(
  argv: readonly string[],
): { kind: "help" } | { kind: "refused"; message: string } | { kind: "run"; options: Options } {
  if (argv.includes("--help") || argv.includes("-h")) return { kind: "help" };
  const unknown = argv.filter((word) => !names.some((name) => word === `--${name}`));
  if (unknown.length > 0) return { kind: "refused", message: `unknown argument ${unknown.join(", ")}` };
  const given = (name: (typeof names)[number]) => argv.includes(`--${name}`);
  return {
    kind: "run",
    options: { json: given("json"), offline: given("offline"), strict: given("strict"), fresh: given("fresh") },
  };
}
