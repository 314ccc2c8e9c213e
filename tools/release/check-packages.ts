/**
 * `npm run check:packages`: what a stranger does with the tarballs of `npm run release -- --dry-run`. They are
 * installed into an empty project with install scripts allowed, and used from there: in this Node.js, and in one
 * that is too old. Needs the npm registry, and nothing else of the network.
 *
 *   npm run check:packages                          old Node.js: the first on PATH that is too old
 *   npm run check:packages -- --old-node FILE
 *   npm run check:packages -- --keep                leaves the project, and says where it is
 */
import { execFileSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { minimumNode, own, reasonOf } from "@cupel/base";
import { environment, npm, outcome, run } from "./npm.ts";
import { workspacePackages } from "./workspace-packages.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tarballs = join(root, "dist/tarballs");
const { values: options } = parseArgs({
  options: { "old-node": { type: "string" }, keep: { type: "boolean", default: false } },
});
const oldNode = options["old-node"] ?? oldNodeOnPath();
const { devDependencies, optionalDependencies: nodePackages } = rootManifest();
const packages = workspacePackages(root).map(({ manifest }) => manifest);
const names = packages.map(({ name }) => name);
/** What others can import: of most packages the package alone. */
const entries = packages.flatMap(({ name, exports = {} }) =>
  Object.keys(exports).map((subpath) => `${name}${subpath.slice(1)}`),
);
/** For --import: it does its work when it is loaded. */
const preloaded: ReadonlySet<string> = new Set(["@cupel/attest/guard"]);
/** For whoever has @connectrpc/connect, whose types need those of a browser. */
const browserTyped: ReadonlySet<string> = new Set(["@cupel/client/websocket"]);
const version = packages.find(({ name }) => name === "@cupel/cli")!.version;

/** Optional parts of others that have a script, and do without it: cbor-x and msgpackr decode in JavaScript then. */
const needless: ReadonlySet<string> = new Set(["node_modules/cbor-extract", "node_modules/msgpackr-extract"]);

const project = mkdtempSync(join(tmpdir(), "cupel-stranger-"));
const launcher = join(project, "node_modules/@cupel/cli/bin/cupel.js");
let failures = 0;
try {
  install();
  inNewNode();
  if (oldNode === null)
    console.log(`skipped: no Node.js older than ${minimumNode} here; name one with --old-node`);
  else inOldNode(oldNode);
} finally {
  if (options.keep) console.log(`the project is ${project}`);
  else rmSync(project, { recursive: true, force: true });
}
console.log(failures === 0 ? "all steps passed" : `${failures} steps failed`);
process.exitCode = failures === 0 ? 0 : 1;

/** All tarballs at once, so that they find each other; of the engine's parts npm takes the one that fits. */
function install(): void {
  const files = globSync("*.tgz", { cwd: tarballs }).map(
    (file) => [file, `file:${join(tarballs, file)}`] as const,
  );
  if (files.length === 0) throw new Error(`${tarballs} is empty: npm run release -- --dry-run first.`);
  const isEngine = (file: string) => file.startsWith("cupel-engine-");
  const named = (file: string) => `@${file.replace(/-\d+\.\d+\.\d+.*$/, "").replace("-", "/")}`;
  const chosen = (wanted: boolean) =>
    files.filter(([file]) => isEngine(file) === wanted).map(([file, path]) => [named(file), path]);
  const compilers = Object.fromEntries(
    ["typescript", "@types/node"].map((name) => [name, own(devDependencies, name)]),
  );
  write("package.json", {
    private: true,
    type: "module",
    dependencies: { ...Object.fromEntries(chosen(false)), ...compilers },
    optionalDependencies: Object.fromEntries(chosen(true)),
  });
  step("npm install, install scripts allowed", () => {
    npm(["install", "--ignore-scripts=false", "--no-audit", "--no-fund"], { cwd: project });
  });
  step("nothing that was installed has an install script", () => {
    const lock: { packages: Record<string, { hasInstallScript?: boolean }> } = JSON.parse(
      readFileSync(join(project, "node_modules/.package-lock.json"), "utf8"),
    );
    const scripted = Object.entries(lock.packages)
      .filter(([path, { hasInstallScript }]) => hasInstallScript && !needless.has(path))
      .map(([path]) => path);
    if (scripted.length > 0) throw new Error(scripted.join(", "));
  });
  step("one part of the engine, and not the whole", () => {
    const found = globSync("node_modules/{@cupel/engine-*,onnxruntime-node}", { cwd: project });
    if (found.length !== 1) throw new Error(found.join(", ") || "none");
  });
}

function inNewNode(): void {
  const node = process.execPath;
  const list = JSON.stringify(entries.filter((entry) => !preloaded.has(entry)));
  step("import of every entry", () => {
    write(
      "import.mjs",
      `for (const name of ${list}) if (Object.keys(await import(name)).length === 0) throw name;`,
    );
    run(node, ["import.mjs"], { cwd: project });
  });
  step("require of every entry", () => {
    write(
      "require.cjs",
      `for (const name of ${list}) if (Object.keys(require(name)).length === 0) throw name;`,
    );
    run(node, ["require.cjs"], { cwd: project });
  });
  step("types, with skipLibCheck false", () => {
    const plain = entries.filter((entry) => !browserTyped.has(entry));
    compileImports(plain, ["esnext"]);
  });
  step("types that need those of a browser, with skipLibCheck false", () => {
    compileImports([...browserTyped], ["esnext", "dom"]);
  });
  step("npx cupel --version", () => {
    const printed = npm(["exec", "--no", "--", "cupel", "--version"], { cwd: project });
    if (printed.trim() !== `cupel ${version}`) throw new Error(printed);
  });
  traces(node);
  step("npx cupel demo", () => demo(() => npm(["exec", "--no", "--", "cupel", "demo"], { cwd: project })));
}

/** @param lib whose declarations the program has, beside those of Node.js */
function compileImports(list: readonly string[], lib: readonly string[]): void {
  const compilerOptions = {
    ...{ strict: true, skipLibCheck: false, noEmit: true, module: "nodenext", target: "es2024" },
    ...{ lib, types: ["node"] },
  };
  write("tsconfig.json", { compilerOptions, files: ["types.ts"] });
  const imports = list.map((entry, at) => `import * as entry${at} from "${entry}";`);
  write("types.ts", `${imports.join("\n")}\nexport const all = [${list.map((_, at) => `entry${at}`)}];\n`);
  run(process.execPath, [join(project, "node_modules/typescript/bin/tsc")], { cwd: project });
}

function inOldNode(node: string): void {
  const found = execFileSync(node, ["--version"], { encoding: "utf8" }).trim().slice(1);
  const sentence = `needs Node.js ${minimumNode} or newer, and this is Node.js ${found}`;
  for (const name of names) {
    step(`Node.js ${found}: import of ${name} is refused in a sentence`, () => {
      const words = ["--input-type=module", "-e", `await import("${name}")`];
      const { status, stderr } = outcome(node, words, { cwd: project, node });
      if (status === 0 || !stderr.includes(`Cupel ${sentence}`))
        throw new Error(stderr || `status ${status}`);
    });
  }
  let advised: string | undefined;
  step(`Node.js ${found}: the command says the sentence`, () => {
    const { status, stderr } = outcome(node, [launcher, "--version"], { cwd: project, node });
    const isOneLine = stderr.trim().split("\n").length === 1;
    if (status !== 69 || !isOneLine || !stderr.includes(sentence)) throw new Error(`${status}: ${stderr}`);
    advised = /npm install (\S+)/.exec(stderr)?.[1];
  });
  if (advised === undefined) return;
  step(`Node.js ${found}: with ${advised} beside it, as it advises, the command runs`, () => {
    const wanted = `${advised}@${nodePackages[advised!]}`;
    npm(["install", "--ignore-scripts=false", "--no-audit", "--no-fund", wanted], { cwd: project, node });
    const printed = run(node, [launcher, "--version"], { cwd: project, node });
    if (printed.trim() !== `cupel ${version}`) throw new Error(printed);
  });
  traces(node);
  step(`Node.js ${found}: and so does the demo`, () =>
    demo(() => run(node, [launcher, "demo"], { cwd: project, node })),
  );
}

/** The command runs in the newer Node.js, what it traces in the one that is given. */
function traces(node: string): void {
  step(
    `npx cupel env trace, of a program in ${run(node, ["--version"], { cwd: project, node }).trim()}`,
    () => {
      write("reads.cjs", 'require("./node_modules/reads-a-token/index.js");');
      mkdirSync(join(project, "node_modules/reads-a-token"), { recursive: true });
      write("node_modules/reads-a-token/index.js", "void process.env.A_TOKEN;");
      const words = [launcher, "env", "trace", "--json", "--", node, "reads.cjs"];
      const printed: {
        readonly accesses: readonly { readonly package: string; readonly key: string | null }[];
      } = JSON.parse(run(process.execPath, words, { cwd: project }));
      const isSeen = printed.accesses.some(
        ({ package: of, key }) => of === "reads-a-token" && key === "A_TOKEN",
      );
      rmSync(join(project, "node_modules/reads-a-token"), { recursive: true });
      if (!isSeen) throw new Error(JSON.stringify(printed));
    },
  );
}

function demo(start: () => void): void {
  rmSync(join(project, "cupel-demo"), { recursive: true, force: true });
  start();
  const written = ["inspection.small.onnx", "inspection.small.cupel", "inspection.small.report.html"];
  const missing = written.filter((file) => !existsSync(join(project, "cupel-demo", file)));
  if (missing.length > 0) throw new Error(`cupel-demo lacks ${missing.join(", ")}`);
}

function step(name: string, work: () => void): void {
  const started = performance.now();
  try {
    work();
    console.log(`ok    ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (thrown) {
    failures++;
    console.log(`FAIL  ${name}\n${reasonOf(thrown)}`);
  }
}

function write(name: string, content: string | object): void {
  mkdirSync(project, { recursive: true });
  writeFileSync(
    join(project, name),
    typeof content === "string" ? content : JSON.stringify(content, null, 2),
  );
}

function oldNodeOnPath(): string | null {
  const name = process.platform === "win32" ? "node.exe" : "node";
  const folders = (environment(process.execPath).PATH ?? "").split(delimiter).slice(1);
  const candidates = folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
  return (
    candidates.find((path) => {
      const printed = execFileSync(path, ["--version"], { encoding: "utf8" });
      return Number.parseInt(printed.slice(1), 10) < minimumNode;
    }) ?? null
  );
}

function rootManifest(): {
  devDependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
} {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}
