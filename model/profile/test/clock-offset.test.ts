import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clockOffset } from "../src/clock-offset.ts";

test("an event seen from both sides bounds the offset", () => {
  const bound = { after: 1000, there: [20, 50], before: 1100 } as const;
  // At the earliest it began at 1000 (offset 980), at the latest it ended at 1100 (offset 1050).
  assert.deepEqual(clockOffset([bound]), { offset: 1015, doubt: 35 });
});

test("whatever the delays, the truth is within the doubt, and more events never add to it", () => {
  const delay = fc.double({ min: 0, max: 100, noNaN: true });
  const event = fc.tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), delay, delay, delay);
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: -1e9, max: 1e9 }),
      (events, truth) => {
        const bounds = events.map(([begin, length, early, late]) => ({
          after: begin + truth - early,
          there: [begin, begin + length] as const,
          before: begin + length + truth + late,
        }));
        let doubt = Number.POSITIVE_INFINITY;
        for (let count = 1; count <= bounds.length; count++) {
          const found = clockOffset(bounds.slice(0, count))!;
          assert.ok(Math.abs(found.offset - truth) <= found.doubt + 1e-5, `${found.offset} is not ${truth}`);
          assert.ok(found.doubt <= doubt + 1e-5);
          doubt = found.doubt;
        }
      },
    ),
  );
});

test("an offset that is expected holds unless an event speaks against it", () => {
  const bound = { after: 1000, there: [20, 50], before: 1100 } as const;
  assert.deepEqual(clockOffset([bound], 990), { offset: 990, doubt: 0 });
  assert.deepEqual(clockOffset([bound], 1060), { offset: 1015, doubt: 35 });
});

test("without events nothing is known", () => {
  assert.equal(clockOffset([]), null);
});
