/** docs/limits.md tells what the code does: the value of each constant, codes that exist, and no limit left out. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Limit {
  readonly value: string;
  readonly constant: string;
  readonly file: string;
  readonly code: string;
}

const limits: Limit[] = read("docs/limits.md")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (Limit|---)/.test(line))
  .map((line) => {
    const [, , value = "", place = "", code = ""] = line.split("|").map((cell) => cell.trim());
    const [constant = "", file = ""] = place.split(", ");
    return { value, constant, file, code };
  });

const codes = globSync("{model,trust}/*/src/errors.ts", { cwd: root }).flatMap((path) =>
  [...read(path).matchAll(/^ {2}([A-Z_]+): \{/gm)].map(([, code]) => code!),
);

/** Products and powers of numbers, as they are written. */
function numberOf(text: string): number {
  const product = text.split(/(?<!\*)\*(?!\*)/).map((factor) => {
    const [base, exponent] = factor.split("**").map((number) => Number(number.replaceAll("_", "")));
    return exponent === undefined ? base! : base! ** exponent;
  });
  return product.reduce((all, each) => all * each, 1);
}

for (const { value, constant, file, code } of limits) {
  test(`${constant} is ${value}, told by ${code}`, () => {
    const [, written] = new RegExp(`const ${constant} = ([\\d_e* ]+);`).exec(read(file)) ?? [];
    assert.ok(written !== undefined, `${file} has no ${constant}`);
    assert.equal(numberOf(written), numberOf(value));
    assert.ok(Number.isFinite(numberOf(value)));
    assert.ok(codes.includes(code), `no package has ${code}`);
  });
}

test("every code of a limit has a row", () => {
  const ofLimits = codes.filter((code) => /_TOO_LARGE$|_OVER_(MEMORY|TIME)$/.test(code));
  assert.ok(ofLimits.length >= 7, ofLimits.join());
  for (const code of ofLimits)
    assert.ok(
      limits.some((limit) => limit.code === code),
      `${code} has no row`,
    );
});
