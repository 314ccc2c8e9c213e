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
  newSince,
  type Observation,
  openPolicy,
  parseBaseline,
  parsePolicy,
  sarifOf,
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

test("SARIF names the rule, the place in the project, and the tagged as errors", () => {
  const accesses = accessesOf(observations, openPolicy);
  const log = JSON.parse(
    JSON.stringify(
      sarifOf(accesses, { root: "/project", version: "1.0.0", isNew: ({ key }) => key === null }),
    ),
  );
  assert.equal(log.version, "2.1.0");
  const { results, tool } = log.runs[0];
  assert.deepEqual(
    results.map((each: { ruleId: string; level: string }) => [each.ruleId, each.level]),
    [
      ["env-access-denied", "error"],
      ["env-access-new", "warning"],
    ],
  );
  assert.ok(
    results.every((each: { ruleId: string }) =>
      tool.driver.rules.some(({ id }: { id: string }) => id === each.ruleId),
    ),
  );
  assert.deepEqual(results[0].locations[0].physicalLocation, {
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
