/** Ids of version 7, against the example of RFC 9562 and its rules for order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createUuidV7Source, uuidV7, uuidV7Pattern } from "../../src/event/uuid-v7.ts";

test("the example of RFC 9562, appendix A.6", () => {
  // unix_ts_ms 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F of 62 bits.
  const id = uuidV7(0x017f22e279b0, 0xcc3, "18c4dc0c0c07398f");
  assert.equal(id, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
});

test("the time of an id is that it was made for, and the rest differs", () => {
  const source = createUuidV7Source();
  const made = Array.from({ length: 3000 }, () => source.next(1_645_557_742_000_999));
  for (const id of made) {
    assert.match(id, new RegExp(uuidV7Pattern, "u"));
    assert.equal(id.slice(0, 13), "017f22e2-79b0");
  }
  assert.equal(new Set(made).size, made.length);
});

test("ids of later microseconds are later texts", () => {
  const source = createUuidV7Source();
  const time = fc.integer({ min: 0, max: 4_000_000_000_000_000 });
  fc.assert(
    fc.property(time, fc.integer({ min: 1, max: 5_000_000 }), (first, more) => {
      const [before, after] = [source.next(first), source.next(first + more)];
      assert.ok(before < after, `${before} ${after}`);
    }),
  );
});
