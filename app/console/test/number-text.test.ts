import assert from "node:assert/strict";
import test from "node:test";
import {
  bytesText,
  changeText,
  errorText,
  factorText,
  figureText,
  fixedText,
  MISSING,
  millisecondsText,
  percentText,
  plural,
  pointDecimals,
  pointsText,
} from "../shared/view/number-text.ts";

const plain = (text: string) => text.replaceAll("\u00a0", " ");

test("bytes change unit at a thousand, and never read 1000 of one unit", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [99_940, "99.9 kB"],
    [99_960, "100 kB"],
    [999_600, "1.0 MB"],
    [23_700_000, "23.7 MB"],
    [412_300_000, "412 MB"],
    [2_500_000_000, "2.5 GB"],
  ];
  for (const [bytes, text] of cases) assert.equal(plain(bytesText(bytes)), text);
});

test("what JSON could not hold reads as a dash", () => {
  const formats = [bytesText, percentText, errorText, figureText, millisecondsText, pointsText, factorText];
  for (const format of formats) {
    assert.equal(format(null), MISSING);
    assert.equal(format(Number.NaN), MISSING);
    assert.equal(format(Number.POSITIVE_INFINITY), MISSING);
  }
});

test("points carry a sign, except for zero, which never reads −0.0", () => {
  assert.equal(pointsText(-0.004), "−0.4");
  assert.equal(pointsText(0.012), "+1.2");
  assert.equal(pointsText(-0.0001), "0.0");
  assert.equal(pointsText(0.0001), "0.0");
  assert.equal(pointsText(-0.0004, pointDecimals(-0.0004)), "−0.04");
});

test("figures keep their significant digits over many magnitudes", () => {
  assert.equal(figureText(0), "0");
  assert.equal(figureText(0.012345), "0.0123");
  assert.equal(figureText(-2.5), "−2.50");
  assert.equal(figureText(9.999), "10.0");
  assert.equal(figureText(12_345), "12,345");
  assert.equal(figureText(1.5e-7), "1.50e−7");
  assert.equal(plain(errorText(0.00042)), "0.042 %");
  assert.equal(plain(errorText(34.2)), "3,420 %");
});

test("thousands are grouped, decimals are not", () => {
  assert.equal(fixedText(1234567.125, 3), "1,234,567.125");
  assert.equal(changeText(3), "+3");
  assert.equal(changeText(-3), "−3");
  assert.equal(plural(1, "image"), "1 image");
  assert.equal(plural(1800, "image"), "1,800 images");
});
