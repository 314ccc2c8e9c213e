/** Every access of the fixture workspace is its package's, none is another's; and no value is ever written. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { types } from "node:util";
import type { Observation } from "../../src/index.ts";
import {
  expectedOf,
  type FixturePackage,
  fixturePackages,
  layOutWorkspace,
  programToken,
  tokenOf,
} from "../support/fixture-workspace.ts";
import { openProject, runTraced, systemNames } from "../support/traced.ts";

const tokens = [...fixturePackages.map(({ name }) => tokenOf(name)), programToken];
const values = Object.fromEntries(tokens.map((name, i) => [name, `value-${i}-${"x".repeat(i)}-of-${name}`]));
const atInstall = ["at-install", "at-install-by-text"];

/** "package: kind KEY by CALLER"; the program calls them all, and Node.js and package managers read for themselves. */
function facts(observations: readonly Observation[]): string[] {
  const told = observations
    .filter((each) => each.class !== "tool" && each.package !== "node")
    .map(({ package: name, kind, key, caller }) => {
      const by = caller === null || caller === "program" || caller === "npm" ? "" : ` by ${caller}`;
      return `${name}: ${kind}${key === null ? "" : ` ${key}`}${by}`;
    });
  return [...new Set(told)].sort();
}

/** Another Node.js than this one, on PATH. */
function anotherNode(): string | null {
  const name = process.platform === "win32" ? "node.exe" : "node";
  return (
    (process.env.PATH ?? "")
      .split(delimiter)
      .map((folder) => join(folder, name))
      .filter((path) => existsSync(path))
      .find((path) => execFileSync(path, ["--version"], { encoding: "utf8" }).trim() !== process.version) ??
    null
  );
}

/** Who starts text or a shell is told by one variable, which the outer of two traces sets last: docs/env-trace.md. */
const within = types.isProxy(process.env) && "runs under a trace itself";

test("of thirty packages each access is attributed to the right one", { skip: within }, async () => {
  assert.ok(fixturePackages.length >= 30);
  await assertAttributed(
    process.execPath,
    fixturePackages.filter(({ name }) => !atInstall.includes(name)),
  );
});

const other = anotherNode();
test("so it is in another Node.js, older than Cupel itself runs on", {
  skip: other === null && "there is none on PATH",
}, async () => {
  const lonely = ({ expected }: FixturePackage) => !expected.some((each) => /inherit|load-file/.test(each));
  await assertAttributed(
    other!,
    fixturePackages.filter((each) => lonely(each) && !atInstall.includes(each.name)),
  );
});

async function assertAttributed(node: string, packages: readonly FixturePackage[]): Promise<void> {
  await using project = await openProject();
  const main = await layOutWorkspace(project.path, packages);
  const env = { ...values, UNTAGGED: "plain" };
  const run = await runTraced([main], { project: project.path, env, node });
  assert.deepEqual(
    { status: run.status, err: run.err, broken: run.broken },
    { status: 0, err: "", broken: 0 },
  );
  const names = { all: [...Object.keys(env), ...Object.keys(systemNames())], tagged: tokens };
  const expected = packages.flatMap((each) => expectedOf(each, names));
  // What packages that ran before have set is read by who reads all of it.
  const isSetByOthers = (fact: string) =>
    /: read (NODE_OPTIONS|OF_FILE)$/.test(fact) && !fact.startsWith("loads-file");
  const found = new Set(facts(run.observations).filter((each) => !isSetByOthers(each)));
  const wanted = new Set([...expected, `program: read ${programToken}`]);
  // No deepEqual: the difference of two lists of a thousand takes it minutes.
  assert.deepEqual([...found.difference(wanted)], [], "false attributions");
  assert.deepEqual([...wanted.difference(found)], [], "missed");
  assertNoValues(run.written);
}

const npm = npmScript();
test("a script that npm runs at install is its package's, by file and by text", {
  skip: within || (npm === null && "npm is not on PATH"),
}, async () => {
  await using project = await openProject();
  await layOutWorkspace(project.path);
  const run = await runTraced([npm!, "rebuild", ...atInstall, "--foreground-scripts", "--offline"], {
    project: project.path,
    env: { ...values, HOME: project.path, npm_config_cache: join(project.path, "cache") },
  });
  assert.equal(run.status, 0, run.err);
  const expected = atInstall.map((name) => `${name}: read ${tokenOf(name)}`);
  assert.deepEqual(
    facts(run.observations).filter((each) => !each.startsWith("node:")),
    expected.sort(),
  );
  const byNpm = run.observations.filter(({ class: of }) => of === "tool");
  assert.ok(byNpm.length > 0, "npm reads and hands on, and is called a tool");
  assert.ok(byNpm.some(({ kind }) => kind === "inherit"));
  assertNoValues(run.written);
});

/** As it lies, null where there is none. */
function npmScript(): string | null {
  const own = process.env.npm_execpath;
  if (own?.endsWith("npm-cli.js")) return own;
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "npm"))
    .find((path) => existsSync(path));
  const script = found === undefined ? "" : realpathSync(found);
  return script.endsWith("npm-cli.js") ? script : null;
}

function assertNoValues(written: string): void {
  for (const value of [...Object.values(values), "of-forks-itself"])
    assert.ok(!written.includes(value), value);
}
