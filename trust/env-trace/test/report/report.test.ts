/** From observations to facts, to what is new, and to SARIF. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  accessesOf,
  accessSentence,
  baselineText,
  collectObservations,
  isGrave,
  newSince,
  newSinceLockfile,
  type Observation,
  openPolicy,
  parseBaseline,
  parseLockfile,
  parsePolicy,
  sarifOf,
  shownProgram,
} from "../../src/index.ts";

const seen = (more: Partial<Observation>): Observation => ({
  at: 10,
  pid: 1,
  thread: 0,
  kind: "read",
  key: "A",
  package: "left",
  caller: null,
  class: "package",
  file: "/project/node_modules/left/index.js",
  line: 3,
  denied: false,
  count: 1,
  command: null,
  child: null,
  ...more,
});

const observations = [
  seen({ at: 20, count: 2, caller: "right" }),
  seen({}),
  seen({ key: "MY_TOKEN", denied: true }),
  seen({ kind: "enumerate", key: null, package: "right", file: null, line: null }),
  seen({ kind: "inherit", key: null, command: "sh -c x" }),
  seen({ kind: "inherit", key: "MY_TOKEN", command: "sh -c x", package: "npm", class: "tool" }),
  seen({ key: "NODE_DEBUG", package: "node", class: "program" }),
];

test("a fact is told once, with its count, callers and first time; a child that gets nothing tagged is none", () => {
  const accesses = accessesOf(observations, openPolicy);
  assert.deepEqual(
    accesses.map((each) => `${accessSentence(each)} x${each.count} @${each.firstSeen} ${each.isTagged}`),
    [
      "left reads A, called by right x3 @10 false",
      "left reads MY_TOKEN x1 @10 true",
      "node reads NODE_DEBUG x1 @10 false",
      "npm hands MY_TOKEN on to a child x1 @10 true",
      "right lists all names x1 @10 false",
    ],
  );
  assert.ok(
    accesses.every(({ isListed }) => isListed),
    "without a policy",
  );
});

test("what the policy does not list is told as it would be in the traced process", () => {
  const policy = parsePolicy(
    '{ "version": 1, "packages": { "left": { "read": ["A"] }, "npm": { "children": ["MY_*"] } } }',
  );
  const unlisted = accessesOf(observations, policy).filter(({ isListed }) => !isListed);
  assert.deepEqual(
    unlisted.map(({ package: name, key }) => [name, key]),
    [["left", "MY_TOKEN"]],
  );
});

test("new is what the baseline does not have, but for what Node.js and package managers do", () => {
  const [first, ...others] = accessesOf(observations, openPolicy);
  const baseline = parseBaseline(baselineText([first!]), "b.json");
  assert.deepEqual(newSince([first!, ...others], baseline).map(accessSentence), [
    "left reads MY_TOKEN",
    "right lists all names",
  ]);
  assert.deepEqual(
    newSince([first!, ...others], parseBaseline(baselineText([first!, ...others]), "b.json")),
    [],
  );
  for (const text of [
    "",
    "{}",
    '{ "version": 1 }',
    '{ "version": 1, "accesses": [{ "package": 1 }] }',
    "null",
  ]) {
    assert.throws(() => parseBaseline(text, "b.json"), { code: "ENV_BASELINE_INVALID" });
  }
});

/** As npm writes it. */
const lockfileOf = (packages: Readonly<Record<string, object>>, version = 3) =>
  parseLockfile(JSON.stringify({ name: "x", lockfileVersion: version, packages }), "lock");

test("new since a lockfile is what has another version, content or origin, or is not in it; links and the project are not", () => {
  const same = { version: "1.0.0", integrity: "sha512-a" };
  const before = lockfileOf(
    {
      "": { name: "x", version: "1.0.0" },
      "node_modules/same": same,
      "node_modules/copied": same,
      "node_modules/updated": same,
      "node_modules/other-content": same,
      "node_modules/from-git": { version: "1.0.0", resolved: "git+ssh://x#1" },
      "node_modules/alias": { ...same, name: "real" },
      "node_modules/@s/linked": { resolved: "packages/linked", link: true },
      "packages/linked": { version: "1.0.0" },
      "node_modules/removed": same,
      "node_modules/constructor": same,
    },
    2,
  );
  const present = lockfileOf({
    "": { name: "x", version: "2.0.0" },
    "node_modules/same": { ...same, dev: true },
    "node_modules/copied": same,
    "node_modules/same/node_modules/copied": { ...same, version: "2.0.0" },
    "node_modules/updated": { ...same, version: "1.0.1" },
    "node_modules/other-content": { ...same, integrity: "sha512-b" },
    "node_modules/from-git": { version: "1.0.0", resolved: "git+ssh://x#2" },
    "node_modules/alias": { ...same, name: "thief" },
    "node_modules/@s/linked": { resolved: "packages/linked", link: true },
    "packages/linked": { version: "2.0.0" },
    "node_modules/added": same,
    "node_modules/constructor": same,
  });
  const names = ["same", "copied", "updated", "other-content", "from-git", "alias", "@s/linked", "added"];
  const accesses = accessesOf(
    [
      ...[...names, "removed", "constructor", "toString"].map((name) => seen({ package: name })),
      seen({ package: "program", class: "program" }),
      seen({ package: "npm", class: "tool" }),
    ],
    openPolicy,
  );
  assert.deepEqual(
    newSinceLockfile(accesses, before, present).map((each) => each.package),
    ["added", "alias", "copied", "from-git", "other-content", "removed", "toString", "updated"],
  );
});

test("what is worth a look of a new package is a tagged name, or all names", () => {
  assert.deepEqual(accessesOf(observations, openPolicy).filter(isGrave).map(accessSentence), [
    "left reads MY_TOKEN",
    "npm hands MY_TOKEN on to a child",
    "right lists all names",
  ]);
});

test("a lockfile that is none is told from one of another manager and one that is too old", () => {
  for (const [text, expected] of [
    ["", /Give a package-lock\.json/],
    ["lockfileVersion: '9.0'\n\nimporters:\n", /one of pnpm/],
    ["# THIS IS AN AUTOGENERATED FILE.\n# yarn lockfile v1\n", /one of Yarn/],
    ["__metadata:\n  version: 8\n", /one of Yarn/],
    ['{ "lockfileVersion": 1, "dependencies": {} }', /its version is 1/],
    ["null", /no version/],
    ['{ "lockfileVersion": 3 }', /no packages/],
    ['{ "lockfileVersion": 3, "packages": { "node_modules/a": 1 } }', /"node_modules\/a" is no object/],
  ] as const) {
    assert.throws(() => parseLockfile(text, "old.json"), { code: "ENV_LOCKFILE_INVALID", message: expected });
  }
});

test("the command line of a page has no value of a tagged name", () => {
  const shown = shownProgram(["node", "x.js", "hush-hush", "--my-token", "abcdef"], openPolicy, {
    A_TOKEN: "hush-hush",
  });
  assert.equal(shown, "node x.js *** --my-token ***");
});

test("SARIF names the rule, the place in the project, and the tagged as errors", () => {
  const accesses = accessesOf(observations, openPolicy);
  const log = JSON.parse(
    JSON.stringify(
      sarifOf(accesses, {
        root: "/project",
        version: "1.0.0",
        isNew: ({ key }) => key === null,
        isOfNewPackage: ({ key }) => key === "A",
      }),
    ),
  );
  assert.equal(log.version, "2.1.0");
  const { results, tool } = log.runs[0];
  assert.deepEqual(
    results.map((each: { ruleId: string; level: string }) => [each.ruleId, each.level]),
    [
      ["env-package-new", "note"],
      ["env-access-denied", "error"],
      ["env-access-new", "warning"],
    ],
  );
  assert.ok(
    results.every((each: { ruleId: string }) =>
      tool.driver.rules.some(({ id }: { id: string }) => id === each.ruleId),
    ),
  );
  assert.deepEqual(results[1].locations[0].physicalLocation, {
    artifactLocation: { uri: "node_modules/left/index.js", uriBaseId: "ROOT" },
    region: { startLine: 3 },
  });
});

test("lines that are none, or cut short, are counted and left out; a folder that is not there is told", async () => {
  await using folder = await openTemporaryFolder("observations");
  const line = JSON.stringify(seen({}));
  const bad = [
    "{",
    line.slice(0, 40),
    "null",
    "[]",
    '{"at":1}',
    line.replace('"read"', '"steal"'),
    line.replace('"count":1', '"count":"1"'),
  ];
  await writeFile(join(folder.path, "1.jsonl"), `${JSON.stringify(seen({ at: 30 }))}\n${bad.join("\n")}\n`);
  await writeFile(join(folder.path, "2.jsonl"), `${line}\n`);
  await writeFile(join(folder.path, "other.txt"), "no observation");
  const { observations: found, broken } = await collectObservations(folder.path);
  assert.deepEqual([found.map(({ at }) => at), broken], [[10, 30], bad.length]);
  await assert.rejects(collectObservations(join(folder.path, "none")), { code: "TRACE_UNREADABLE" });
});
