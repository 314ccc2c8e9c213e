/**
 * The API report of every package: `api.md` in its folder, checked in, so that a review sees what a change does to
 * what others rely on. Made of the declarations that the compiler writes, without comments.
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportedNames, type ReadDeclarations } from "./exported-names.ts";

/** Of each package, the path of its report under the root and what the sources make it. */
export function apiReports(root: string): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "cupel-api-"));
  try {
    // Types are checked by `npm run typecheck`; here the declarations are only written.
    const settings = [
      "--emitDeclarationOnly",
      "--removeComments",
      "--noCheck",
      "--checkers",
      "1",
      "--outDir",
      folder,
    ];
    execFileSync(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(root, "tsconfig.build.json"),
      ...settings,
    ]);
    const read = reader(folder);
    const reports = new Map<string, string>();
    for (const place of globSync("{base,{model,service,trust,app}/*}", { cwd: root }).sort()) {
      const path = join(root, place, "package.json");
      if (!existsSync(path)) continue;
      const { name, exports }: { name: string; exports?: Record<string, unknown> } = JSON.parse(
        readFileSync(path, "utf8"),
      );
      const entries = Object.entries(exports ?? {}).flatMap(([subpath, target]) => {
        const source = sourceOf(target);
        return source === null ? [] : [{ subpath, path: join(place, source) }];
      });
      if (entries.length > 0) reports.set(join(place, "api.md"), reportText(name, entries, read));
    }
    return reports;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Of what a manifest exports under one name; where it depends on a condition, what Node.js takes. */
function sourceOf(target: unknown): string | null {
  if (typeof target === "string") return target.endsWith(".ts") ? target : null;
  return typeof target === "object" && target !== null && "default" in target
    ? sourceOf(target.default)
    : null;
}

/** @param entries what the manifest exports, with the source of each. */
export function reportText(
  name: string,
  entries: readonly { readonly subpath: string; readonly path: string }[],
  read: ReadDeclarations,
): string {
  const sections = entries.map(({ subpath, path }) => {
    const names = [...exportedNames(path.replace(/\.ts$/, ".d.ts"), read)].sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    const blocks = names.map(
      ([each, declarations]) => `### ${each}\n\n\`\`\`ts\n${declarations.map(plain).join("\n")}\n\`\`\`\n`,
    );
    return [`## ${join(name, subpath)}\n`, ...blocks].join("\n");
  });
  return [
    `# API of ${name}\n`,
    "Every public name with its declaration. Made by `npm run api`; a test compares it with the sources.\n",
    ...sections,
  ].join("\n");
}

/** Without the words that say only that it is an exported declaration. */
function plain(declaration: string): string {
  return declaration
    .replace(/^(export )?declare |^export (?=(class|function|interface) |type \w)/, "")
    .replaceAll(/^( {4})+/gm, (indent) => "  ".repeat(indent.length / 4));
}

function reader(folder: string): ReadDeclarations {
  const texts = new Map<string, string>();
  return (path) => {
    const text = texts.get(path) ?? readFileSync(join(folder, path), "utf8");
    texts.set(path, text);
    return text;
  };
}
