/** What `npm test` was asked for: files, by path or by a word in their path, and tests by name. */
import { globSync, statSync } from "node:fs";
import { relative, resolve } from "node:path";
import { parseArgs } from "node:util";

export const usage = `npm test                              every test
npm test -- model/onnx                the tests of a folder
npm test -- model/onnx/test/a.test.ts one file
npm test -- clean                     the files with "clean" in their path
npm test -- --test-name-pattern=X     the tests with X in their name, a regular expression; may be repeated
npm test -- --help                    this text`;

export type Choice =
  | { readonly kind: "run"; readonly files: readonly string[]; readonly patterns: readonly RegExp[] }
  | { readonly kind: "help" }
  | { readonly kind: "refused"; readonly reason: string };

/** @param root of the repository, which paths are relative to. */
export function chooseTests(given: readonly string[], root: string): Choice {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(given);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return { kind: "refused", reason: thrown.message };
  }
  if (parsed.values.help) return { kind: "help" };
  const patterns: RegExp[] = [];
  for (const text of parsed.values["test-name-pattern"] ?? []) {
    try {
      patterns.push(new RegExp(text));
    } catch {
      return { kind: "refused", reason: `"${text}" is no regular expression.` };
    }
  }
  const files = new Set<string>();
  for (const place of parsed.positionals.length > 0 ? parsed.positionals : ["."]) {
    const found = testFiles(place, root);
    if (found.length === 0)
      return { kind: "refused", reason: `No *.test.ts is "${place}", under it or named like it.` };
    for (const file of found) files.add(file);
  }
  return { kind: "run", files: [...files].sort(), patterns };
}

function parse(given: readonly string[]) {
  return parseArgs({
    args: [...given],
    allowPositionals: true,
    options: { help: { type: "boolean" }, "test-name-pattern": { type: "string", multiple: true } },
  });
}

function testFiles(place: string, root: string): string[] {
  const path = resolve(root, place);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return [path];
  if (stat) return testsUnder(path);
  return testsUnder(root).filter((file) => relative(root, file).includes(place));
}

function testsUnder(folder: string): string[] {
  return globSync("**/*.test.ts", {
    cwd: folder,
    exclude: (name) => name === "node_modules" || name === "dist",
  }).map((file) => resolve(folder, file));
}
