import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { documents, root } from "./documents.ts";

/**
 * `npm run docs`: writes every generated document. `npm run docs -- --check` writes nothing and fails where one differs.
 * A file in docs/protocol that is not generated counts as a difference: nothing is written there by hand.
 */

const usage = `npm run docs               write the generated documents: docs/protocol/, and the tables of configuration.md
npm run docs -- --check    write nothing; exit code 1 where a document is not what the schemas say
`;

function run(args: readonly string[]): number {
  if (args.includes("--help")) {
    process.stdout.write(usage);
    return 0;
  }
  const unknown = args.filter((word) => word !== "--check");
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(" ")}\n${usage}`);
    return 2;
  }
  const wanted = documents();
  const different = [...wanted].filter(([path, text]) => textOf(path) !== text).map(([path]) => path);
  const strangers = globSync("docs/protocol/**/*.*", { cwd: root }).filter((path) => !wanted.has(path));
  if (args.includes("--check")) {
    for (const path of [...different, ...strangers]) process.stderr.write(`${path} differs from what the schemas say\n`);
    if (different.length + strangers.length === 0) return 0;
    process.stderr.write("run npm run docs, and look at what it changes\n");
    return 1;
  }
  for (const path of different) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), wanted.get(path) ?? "");
  }
  for (const path of strangers) rmSync(join(root, path));
  process.stdout.write(`${wanted.size} documents, ${different.length} written, ${strangers.length} removed\n`);
  return 0;
}

function textOf(path: string): string | undefined {
  const full = join(root, path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

process.exitCode = run(process.argv.slice(2));
