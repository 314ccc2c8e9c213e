/**
 * The examples of every README compile. All that one README shows is one module: each example sees the imports
 * and the names of those before it. What an example takes for granted is declared in a comment beside it, which
 * a reader does not see:
 *
 *   <!-- ts
 *   declare const pixels: Float32Array;
 *   -->
 *
 * The module keeps the README's lines, so that what the compiler says names the line there.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { workspaces }: { workspaces: string[] } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pages = globSync(["README.md", "docs/*.md", ...workspaces.map((place) => `${place}/README.md`)], {
  cwd: root,
});

// Inside the repository, where its packages are found.
mkdirSync(join(root, "out"), { recursive: true });
const folder = mkdtempSync(join(root, "out/readme-examples-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Imports with names, and any other; both over several lines. */
const namedImport = /^import (type )?\{([^}]*)\} from "([^"]+)";[^\S\n]*/gm;
const otherImport = /^import [^;]*;[^\S\n]*/gm;

/** The module of a page, or null where it has no example. */
function exampleModule(markdown: string): string | null {
  const lines = markdown.split("\n");
  const shown: string[] = [];
  const hidden: string[] = [];
  let within: "text" | "shown" | "hidden" = "text";
  let depth = 0;
  for (const line of lines) {
    if (within === "text" && /^```ts\b/.test(line)) {
      within = "shown";
      depth++;
      shown.push("{");
    } else if (within === "text" && /^<!-- ts$/.test(line)) {
      within = "hidden";
      shown.push("");
    } else if (/^(```|-->)$/.test(line)) {
      within = "text";
      shown.push("");
    } else {
      if (within === "hidden") hidden.push(line);
      shown.push(within === "shown" ? line : "");
    }
  }
  if (depth === 0) return null;
  const named = new Map<string, Set<string>>();
  const others = new Set<string>();
  const blank = (text: string) => text.replaceAll(/[^\n]/g, "");
  const body = [shown.join("\n"), hidden.join(" ")].map((text) =>
    text
      .replaceAll(namedImport, (whole, isType: string | undefined, names: string, from: string) => {
        const known = named.get(from) ?? new Set();
        for (const name of names.split(",").map((each) => each.trim())) {
          if (name !== "") known.add(isType === undefined ? name : `type ${name}`);
        }
        named.set(from, known);
        return blank(whole);
      })
      .replaceAll(otherImport, (whole) => {
        others.add(whole.trim());
        return blank(whole);
      }),
  );
  const imports = [...named].map(([from, names]) => `import { ${[...names].join(", ")} } from "${from}";`);
  return `${[...imports, ...others, body[1]].join(" ")} export {}; ${body[0]}${"}".repeat(depth)}\n`;
}

const modules = pages.flatMap((page) => {
  const source = exampleModule(readFileSync(join(root, page), "utf8"));
  if (source === null) return [];
  const file = `${page.replaceAll(/[\\/]/g, "-").replace(/\.md$/, "")}.ts`;
  writeFileSync(join(folder, file), source);
  return [{ page, file }];
});

/** One run of the compiler for all. @returns its lines */
function compile(): string[] {
  // A reader's project seldom is stricter than `strict`; the sources are, and are checked on their own.
  const compilerOptions = {
    noUnusedLocals: false,
    noUnusedParameters: false,
    noUncheckedIndexedAccess: false,
  };
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: ["*.ts"], exclude: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
  try {
    execFileSync(process.execPath, [tsc, "-p", folder, "--checkers", "1"], { cwd: folder, encoding: "utf8" });
    return [];
  } catch (thrown) {
    if (thrown instanceof Error && "stdout" in thrown) return String(thrown.stdout).split("\n");
    throw thrown;
  }
}

const complaints = compile();

for (const { page, file } of modules) {
  test(`the examples of ${page} compile`, () => {
    const own = complaints.filter((line) => line.startsWith(`${file}(`));
    assert.deepEqual(
      own.map((line) => line.replace(file, page)),
      [],
    );
  });
}

test("the compiler complains about nothing but examples and sources", () => {
  const known = (line: string) => modules.some(({ file }) => line.startsWith(`${file}(`));
  assert.deepEqual(
    complaints.filter((line) => line.trim() !== "" && !/^(\s|\.\.\/)/.test(line) && !known(line)),
    [],
  );
});

test("an example that does not compile is found, at its line", () => {
  const source = exampleModule(
    "# x\n\n<!-- ts\ndeclare const a: number;\n-->\n\n```ts\nconst b: string = a;\n```\n",
  );
  assert.equal(source?.split("\n")[7], "const b: string = a;");
  assert.match(source, /^declare const a: number; export/);
});
