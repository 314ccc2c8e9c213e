/** The test runner, on small tests in a folder of their own. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chooseTests } from "../runner/choose-tests.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "cupel-runner-"));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, "numbers.test.ts"),
  `import assert from "node:assert/strict";
import { describe, test } from "node:test";
describe("numbers", () => {
  describe("small", () => {
    test("holds", () => {});
    test("a list differs", () => assert.deepEqual([1, 2], [1, 3], "output 0 differs"));
    test("a number differs", () => assert.equal(4, 5, "the sum is wrong"));
    test("breaks", () => {
      throw new TypeError("no number", { cause: new Error("no digits") });
    });
  });
  test("is skipped", { skip: "nothing to read" }, () => {});
});
`,
);
writeFileSync(
  join(folder, "letters.test.ts"),
  'import { test } from "node:test";\ntest("letters hold", () => {});\n',
);

function runTests(...given: string[]) {
  // Within a test, Node would take the child for a part of it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const ended = spawnSync(process.execPath, [join(root, "tools/run-tests.ts"), ...given], {
    encoding: "utf8",
    env,
  });
  return { ...ended, last: ended.stdout.trimEnd().split("\n").at(-1) };
}

describe("a failure", () => {
  const { stdout, status, last } = runTests(folder);
  const failureOf = (name: string) =>
    stdout.split(/^(?=FAIL )/m).find((part) => part.includes(` > ${name}\n`)) ?? "";

  test("fails the run, and the last line counts", () => {
    assert.equal(status, 1);
    assert.equal(last, "2 passed, 3 failed");
  });

  test("is named with its suites and its line", () => {
    assert.match(stdout, /^FAIL \S*numbers\.test\.ts:6: numbers > small > a list differs$/m);
  });

  test("says what differs, where the assertion has a message of its own", () => {
    const text = failureOf("a list differs");
    assert.match(text, /output 0 differs/);
    assert.match(text, /^\+ +2$/m);
    assert.match(text, /^- +3$/m);
    assert.equal(text.match(/actual - expected/g)?.length, 1, text);
    assert.match(failureOf("a number differs"), /the sum is wrong\n[\s\S]*4 !== 5/);
  });

  test("says where it was thrown, and why", () => {
    const text = failureOf("breaks");
    assert.match(text, /TypeError: no number\n +at .*numbers\.test\.ts:9:13\)\ncaused by Error: no digits/);
    assert.doesNotMatch(text, /node:internal/);
  });

  test("stands beside what was skipped, with its reason", () => {
    assert.match(stdout, /skipped:\n {2}\S*numbers\.test\.ts: numbers > is skipped \(nothing to read\)/);
  });
});

describe("tests are chosen", () => {
  test("by name", () => {
    for (const given of [["--test-name-pattern=^holds"], ["--test-name-pattern", "^holds"]]) {
      const { status, last } = runTests(folder, ...given);
      assert.equal(last, "1 passed, 0 failed");
      assert.equal(status, 0);
    }
  });

  test("by a name that no test has: the run fails", () => {
    const { status, stdout } = runTests(folder, "--test-name-pattern=nothing");
    assert.match(stdout, /No test's name matches \/nothing\/\./);
    assert.equal(status, 1);
  });

  test("by a word in the path, where there is no such file or folder", () => {
    const choice = chooseTests(["letters"], folder);
    assert.deepEqual(choice, { kind: "run", files: [join(folder, "letters.test.ts")], patterns: [] });
  });

  test("by path, once each", () => {
    const choice = chooseTests(["letters.test.ts", "."], folder);
    assert.deepEqual(choice.kind === "run" && choice.files, [
      join(folder, "letters.test.ts"),
      join(folder, "numbers.test.ts"),
    ]);
  });
});

test("what is not understood is refused, with what is", () => {
  for (const given of ["--bail", "no-such-word", "--test-name-pattern=("]) {
    const { status, stderr } = runTests(given);
    assert.equal(status, 64);
    assert.match(stderr, /npm test -- --help/);
  }
  assert.match(runTests("--help").stdout, /npm test -- clean/);
});
