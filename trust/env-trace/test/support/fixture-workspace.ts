/**
 * A workspace of thirty packages, each of which does one thing to the environment, in its own way, with a name that is its
 * own. What is expected of a trace stands beside what each does.
 */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ObservationKind } from "../../src/index.ts";

export interface FixturePackage {
  readonly name: string;
  /** Where it lies, from the workspace. Default: node_modules/NAME. */
  readonly folder?: string;
  /** What is linked to it, from the workspace. */
  readonly link?: string;
  /** By path in it. `index.cjs` is required, `index.mjs` imported by the program, which calls what it exports. */
  readonly files: Readonly<Record<string, string>>;
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** In the form "kind KEY" or "kind KEY by CALLER". */
  readonly expected: readonly string[];
}

/** The tagged variable that belongs to a package. */
export const tokenOf = (name: string) =>
  `${name.toUpperCase().replaceAll(/\W+/g, "_").replace(/^_/, "")}_TOKEN`;

const cjs = (body: string) => ({ "index.cjs": `exports.run = async () => { ${body} };` });
const reads = (name: string) => [`read ${tokenOf(name)}`];
const simple = (name: string, body: (token: string) => string): FixturePackage => ({
  name,
  files: cjs(body(tokenOf(name))),
  expected: reads(name),
});
const ended = "await new Promise((done) => child.on('exit', done));";

export const fixturePackages: readonly FixturePackage[] = [
  {
    // Its script is run by npm; the program does not know it.
    name: "at-install",
    files: { "install.js": `void process.env.${tokenOf("at-install")};` },
    manifest: { scripts: { postinstall: "node install.js" } },
    expected: reads("at-install"),
  },
  {
    name: "at-install-by-text",
    files: { "empty.js": "" },
    manifest: { scripts: { postinstall: `node -e "process.env.${tokenOf("at-install-by-text")}"` } },
    expected: reads("at-install-by-text"),
  },
  {
    name: "in-worker",
    files: {
      ...cjs(
        "const { Worker } = require('node:worker_threads'); const child = new Worker(__dirname + '/thread.cjs', { env: { ...process.env } });" +
          ended,
      ),
      "thread.cjs": `void process.env.${tokenOf("in-worker")};`,
    },
    expected: [...reads("in-worker"), "enumerate", "read *", "inherit *"],
  },
  {
    name: "in-eval-worker",
    files: cjs(
      `const { Worker } = require('node:worker_threads'); const child = new Worker("process.env.${tokenOf("in-eval-worker")}", { eval: true, execArgv: [] });${ended}`,
    ),
    expected: [...reads("in-eval-worker"), "inherit *"],
  },
  { name: "by-enumeration", files: cjs("JSON.stringify(process.env);"), expected: ["enumerate", "read *"] },
  {
    name: "by-keys",
    files: cjs("Object.keys(process.env); for (const _ in process.env);"),
    expected: ["enumerate"],
  },
  {
    name: "to-child",
    files: cjs(
      `const child = require('node:child_process').spawn(process.execPath, ['--version'], { env: { ...process.env }, stdio: 'ignore' });${ended}`,
    ),
    expected: ["enumerate", "read *", "inherit *"],
  },
  {
    name: "writes-options",
    files: cjs("process.env.NODE_OPTIONS = '--no-deprecation';"),
    expected: ["write NODE_OPTIONS"],
  },
  {
    name: "captured",
    files: {
      "index.cjs": `const { env } = process; exports.run = () => new Promise((done) => setTimeout(() => done(void env.${tokenOf("captured")}), 1));`,
    },
    expected: reads("captured"),
  },
  { name: "by-report", files: cjs("process.report.getReport();"), expected: ["report"] },
  simple("@scope/scoped", (token) => `void process.env.${token};`),
  {
    name: "in-esm",
    files: {
      "index.mjs": `import { env } from "node:process"; export * from "./more.mjs"; export const run = async () => void env.${tokenOf("in-esm")};`,
      "more.mjs": "export const more = 1;",
    },
    expected: reads("in-esm"),
  },
  {
    name: "ws-linked",
    folder: "packages/linked",
    link: "node_modules/ws-linked",
    files: cjs(`void process.env.${tokenOf("ws-linked")};`),
    expected: reads("ws-linked"),
  },
  {
    name: "outer",
    files: { ...cjs("require('inner').run();") },
    expected: [],
  },
  {
    name: "inner",
    folder: "node_modules/outer/node_modules/inner",
    files: { "index.cjs": `exports.run = () => void process.env.${tokenOf("inner")};` },
    expected: [`read ${tokenOf("inner")} by outer`],
  },
  {
    name: "in-store",
    folder: "node_modules/.pnpm/in-store@1.0.0/node_modules/in-store",
    link: "node_modules/in-store",
    files: cjs(`void process.env.${tokenOf("in-store")};`),
    expected: reads("in-store"),
  },
  simple("by-eval", (token) => `eval("process.env.${token}");`),
  simple(
    "by-late-text",
    (token) =>
      `await new Promise((done) => { setTimeout(new Function("process.env.${token}"), 1); setTimeout(done, 5); });`,
  ),
  simple("by-vm", (token) => `require('node:vm').runInThisContext("process.env.${token}");`),
  simple("by-has", (token) => `void ("${token}" in process.env);`),
  simple("by-descriptor", (token) => `Object.getOwnPropertyDescriptor(process.env, "${token}");`),
  simple("by-destructuring", (token) => `const { ${token}: _ } = process.env;`),
  simple("by-reflection", (token) => `["${token}"].forEach((name) => Reflect.get(process.env, name));`),
  {
    name: "by-inspection",
    files: cjs("require('node:util').inspect(process.env);"),
    expected: ["enumerate", "read *"],
  },
  {
    name: "deletes",
    files: cjs("process.env.OF_DELETES = 1; delete process.env.OF_DELETES;"),
    expected: ["write OF_DELETES", "delete OF_DELETES"],
  },
  {
    name: "get-env",
    files: { "index.cjs": "exports.get = (name) => process.env[name]; exports.run = async () => {};" },
    expected: [`read ${tokenOf("uses-helper")} by uses-helper`],
  },
  {
    name: "uses-helper",
    files: cjs(`require('get-env').get("${tokenOf("uses-helper")}");`),
    expected: [],
  },
  {
    name: "loads-file",
    files: {
      ...cjs("process.loadEnvFile?.(__dirname + '/env'); process.env.OF_FILE ??= 1;"),
      env: "OF_FILE=1\n",
    },
    expected: ["load-file OF_FILE", "read OF_FILE"],
  },
  {
    name: "forks",
    files: {
      ...cjs(
        `const child = require('node:child_process').fork(__dirname + '/child.cjs', { env: { ${tokenOf("forks")}: "of-forks-itself" } });${ended}`,
      ),
      "child.cjs": `void process.env.${tokenOf("forks")};`,
    },
    expected: [...reads("forks"), `inherit ${tokenOf("forks")}`],
  },
  {
    name: "shells",
    files: cjs(`require('node:child_process').execSync('node -e "process.env.${tokenOf("shells")}"');`),
    expected: [...reads("shells"), "inherit *"],
  },
  {
    name: "bundle",
    files: {
      "index.cjs": `// node_modules/left-pad/index.js\nvar leftPad = () => process.env.${tokenOf("bundle")};\n// src/index.js\nexports.run = async () => leftPad();`,
    },
    expected: reads("bundle"),
  },
  {
    // Another name than that of its folder, which is what a lockfile has.
    name: "alias",
    files: cjs(`void process.env.${tokenOf("alias")};`),
    manifest: { name: "react" },
    expected: reads("alias"),
  },
];

/** Not in `fixturePackages`: the program, which calls them all. */
const main = `
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
for (const [name, file] of PACKAGES) {
  const { run } = file.endsWith(".mjs") ? await import(name + "/" + file) : require(name + "/" + file);
  await run();
}
void process.env.PROGRAM_TOKEN;
`;

export const programToken = "PROGRAM_TOKEN";

/** What the trace of a package should have, with "*" written out. @param all names that are tagged, and all others */
export function expectedOf(
  pack: FixturePackage,
  names: { readonly all: readonly string[]; readonly tagged: readonly string[] },
): string[] {
  return pack.expected.flatMap((each) => {
    const kind = each.split(" ")[0] as ObservationKind;
    if (!each.includes("*")) return [`${pack.name}: ${each}`];
    return (kind === "inherit" ? names.tagged : names.all).map((name) => `${pack.name}: ${kind} ${name}`);
  });
}

/** @returns the path of the program */
export async function layOutWorkspace(
  folder: string,
  packages: readonly FixturePackage[] = fixturePackages,
): Promise<string> {
  const put = async (path: string, text: string) => {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  await put("package.json", JSON.stringify({ private: true, name: "fixture", workspaces: ["packages/*"] }));
  for (const { name, folder: at = `node_modules/${name}`, link, files, manifest } of packages) {
    await put(`${at}/package.json`, JSON.stringify({ name, version: "1.0.0", ...manifest }));
    for (const [path, text] of Object.entries(files)) await put(`${at}/${path}`, text);
    // So that "NAME/index.cjs" and NAME are the same.
    await put(`${at}/index.js`, 'module.exports = require("./index.cjs");');
    if (link !== undefined) {
      await mkdir(dirname(join(folder, link)), { recursive: true });
      await symlink(join(folder, at), join(folder, link), "junction");
    }
  }
  const called = packages.flatMap(({ name, files }) => {
    const file = ["index.cjs", "index.mjs"].find((each) => Object.hasOwn(files, each));
    return file === undefined || name === "inner" ? [] : [[name, file]];
  });
  await put("main.mjs", main.replace("PACKAGES", JSON.stringify(called)));
  return join(folder, "main.mjs");
}
