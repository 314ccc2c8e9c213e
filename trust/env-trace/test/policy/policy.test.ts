/** What env-policy.json may say, what is refused, and whom it gives what. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicy } from "../../src/index.ts";
import { listedNames } from "../../src/policy/listed-names.ts";
import { createRights } from "../../src/policy/rights.ts";

test("a policy is read as it stands; what is left out is empty", () => {
  const policy = parsePolicy(
    '{ "version": 1, "mode": "deny", "denied": "throw", "secrets": ["X_*"], "packages": { "a": { "read": ["A"] }, "constructor": {}, "__proto__": { "read": ["P"] } } }',
  );
  assert.deepEqual(
    { ...policy, packages: [...policy.packages!] },
    {
      mode: "deny",
      denied: "throw",
      secrets: ["X_*"],
      packages: [
        ["a", { read: ["A"], write: [], children: [] }],
        ["constructor", { read: [], write: [], children: [] }],
        ["__proto__", { read: ["P"], write: [], children: [] }],
      ],
    },
  );
  assert.deepEqual(parsePolicy('{ "version": 1 }'), {
    mode: "report",
    denied: "undefined",
    secrets: [],
    packages: null,
  });
});

const refused: Readonly<Record<string, RegExp>> = {
  "{": /no JSON/,
  "[]": /must be an object/,
  '{ "version": 2 }': /"version" of env-policy\.json must be 1/,
  '{ "version": 1, "mode": "block" }': /must be one of report, warn, deny, not "block"/,
  '{ "version": 1, "denied": true }': /must be one of undefined, throw/,
  '{ "version": 1, "allow": [] }': /has "allow", which is none of/,
  '{ "version": 1, "secrets": "A" }': /must be a list of names/,
  '{ "version": 1, "packages": { "a": { "read": [1] } } }':
    /"read" of "a" in "packages" of .* has 1, which is no name/,
  '{ "version": 1, "packages": { "a": { "read": ["A=B"] } } }': /no name of a variable/,
  '{ "version": 1, "packages": { "a": { "reads": [] } } }':
    /has "reads", which is none of read, write, children/,
  '{ "version": 1, "packages": { "": {} } }': /no name/,
  '{ "version": 1, "packages": null }': /must be an object/,
};
for (const [text, says] of Object.entries(refused)) {
  test(`refused: ${text}`, () => {
    assert.throws(
      () => parsePolicy(text),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Error && "code" in thrown);
        assert.equal(thrown.code, "ENV_POLICY_INVALID");
        assert.match(thrown.message, says);
        return true;
      },
    );
  });
}

test("a star stands for any part, and takes no time that grows beyond the lengths", () => {
  const rows: readonly (readonly [pattern: string, name: string, isListed: boolean])[] = [
    ["A", "A", true],
    ["A", "a", false],
    ["*", "", true],
    ["*TOKEN*", "MY_TOKEN_2", true],
    ["A*B*C", "AxBxBC", true],
    ["A*B*C", "AxCxB", false],
    ["A**", "A", true],
    ["", "", true],
    ["?", "A", false],
  ];
  for (const [pattern, name, isListed] of rows)
    assert.equal(listedNames([pattern], false)(name), isListed, `${pattern} ${name}`);
  assert.equal(listedNames(["*A*A*A*A*A*A*B"], false)("A".repeat(20_000)), false);
});

test("on Windows names are listed in any case of letters, elsewhere not", () => {
  assert.deepEqual(
    [listedNames(["Path"], true)("PATH"), listedNames(["Path"], false)("PATH")],
    [true, false],
  );
});

test("a package has the rights of its own row, else of the star, else none; names of Node.js go to any child", () => {
  const row = { read: ["A"], write: ["B"], children: ["C"] };
  const rights = createRights(
    [
      ["own", row],
      ["*", { ...row, read: ["Z"], children: ["*"] }],
    ],
    false,
  );
  const own = rights("own");
  assert.deepEqual(
    [own.read("A"), own.read("B"), own.write("B"), own.children("C"), own.children("A")],
    [true, false, true, true, false],
  );
  assert.deepEqual(
    [own.children("NODE_CHANNEL_FD"), own.children("NODE_AUTH_TOKEN"), own.isAllForChildren],
    [true, false, false],
  );
  assert.deepEqual(
    [rights("other").read("Z"), rights("other").read("A"), rights("other").isAllForChildren],
    [true, false, true],
  );
  assert.equal(createRights([], false)("any").read("A"), false);
  assert.equal(createRights(null, false)("any").read("A"), true);
});
