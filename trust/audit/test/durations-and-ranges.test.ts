/** What retention is told and tells: durations of a fixed length, and ranges of events as sets of numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDuration } from "../src/retention/duration.ts";
import { IndexRanges } from "../src/retention/index-ranges.ts";

const day = 86_400_000;

test("durations are those of a fixed length", () => {
  const of = (text: string) => parseDuration(text);
  assert.deepEqual(["P180D", "P26W", "P1DT12H", "PT90M", "PT5S"].map(of), [
    180 * day,
    182 * day,
    1.5 * day,
    5_400_000,
    5000,
  ]);
  const none = [
    "",
    "P",
    "PT",
    "180",
    "P6M",
    "P1Y",
    "P1D2",
    "P1DT",
    "-P1D",
    "P0D",
    "P1.5D",
    "p1d",
    "P9999999D",
  ];
  assert.deepEqual(none.map(of), Array(none.length).fill(null));
});

test("ranges of events are those of a set of numbers", () => {
  const range = fc.tuple(fc.nat(40), fc.nat(8)).map(([begin, length]) => ({ begin, end: begin + length }));
  const numbers = (ranges: IndexRanges) =>
    Array.from({ length: 60 }, (_, i) => i).filter((i) => ranges.has(i));
  const inside =
    ({ begin, end }: { begin: number; end: number }) =>
    (i: number) =>
      begin <= i && i < end;
  fc.assert(
    fc.property(fc.array(range), fc.array(range), range, (first, second, asked) => {
      const [a, b] = [IndexRanges.of(first), IndexRanges.of(second)];
      const inA = numbers(a);
      assert.deepEqual(
        inA,
        Array.from({ length: 60 }, (_, i) => i).filter((i) => first.some((each) => inside(each)(i))),
      );
      assert.equal(a.count, inA.length);
      assert.deepEqual(
        numbers(a.with(...second)),
        [...new Set([...inA, ...numbers(b)])].sort((x, y) => x - y),
      );
      assert.deepEqual(
        numbers(a.minus(b)),
        inA.filter((i) => !b.has(i)),
      );
      assert.deepEqual(IndexRanges.parse(a.text)?.ranges, a.ranges);
      const lacking = numbers(IndexRanges.of(a.without(asked)));
      const expected = Array.from({ length: 60 }, (_, i) => i).filter((i) => inside(asked)(i) && !a.has(i));
      assert.deepEqual(lacking, expected);
      assert.equal(a.covers(asked), expected.length === 0);
    }),
    { numRuns: 200 },
  );
  for (const text of ["1", "3-1", "a-b", "0-1,2-3", "01-2", " 1-2", "0-9007199254740993"]) {
    assert.equal(IndexRanges.parse(text), null, text);
  }
});
