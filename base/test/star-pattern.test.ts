/** Patterns with stars, beside a regular expression where that ends, and where it would not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom, starPattern } from "@cupel/base";

test("a star stands for anything, and every other character for itself", () => {
  const rows: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
    ["conv1", "conv1", true],
    ["conv1", "conv10", false],
    ["conv1.*", "conv1.weight", true],
    ["conv1.*", "conv1xweight", false],
    ["*", "", true],
    ["", "", true],
    ["", "a", false],
    ["**", "any", true],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["*ab*ab*", "abab", true],
    ["*ab*ab*", "aba", false],
    ["ab*ba", "aba", false],
    ["a*b*", "ab\nc", true],
    ["(a+)+$", "(a+)+$", true],
  ];
  for (const [pattern, name, matches] of rows) {
    assert.equal(starPattern(pattern)(name), matches, `${pattern} and ${JSON.stringify(name)}`);
  }
});

test("it says what a regular expression says", () => {
  const random = createRandom(1);
  const text = (letters: string, most: number) =>
    Array.from({ length: random.integer(most) }, () => letters[random.integer(letters.length)]).join("");
  for (let i = 0; i < 2000; i++) {
    const [pattern, name] = [text("ab*", 7), text("ab", 9)];
    const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
    assert.equal(starPattern(pattern)(name), expected, `${pattern} and ${name}`);
  }
});

test("a name on which a regular expression would be at it for years is told at once", () => {
  const name = "a".repeat(100_000);
  for (const pattern of [`${"a*".repeat(30)}b`, `*${"a*".repeat(30)}b*`, `${"a*b*".repeat(30)}c`]) {
    assert.equal(starPattern(pattern)(name), false);
  }
});
