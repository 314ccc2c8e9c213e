import assert from "node:assert/strict";
import { test } from "node:test";
import { EntryBundles } from "@cupel/audit";
import fc from "fast-check";
import { parseBundle } from "../../src/tree/entry-bundle.ts";

test("entries stand after their lengths, the higher byte first", () => {
  const bundles = new EntryBundles();
  bundles.append(Buffer.from("one"));
  bundles.append(Buffer.alloc(300, 0x78));
  const [bundle] = bundles.takeBundles();
  assert.deepEqual({ ...bundle, bytes: 0 }, { index: 0, width: 2, bytes: 0 });
  assert.equal(bundle?.bytes.toString("latin1"), `\0\x03one\x01\x2c${"x".repeat(300)}`);
  assert.deepEqual(bundles.takeBundles(), []);
});

test("whatever goes in comes out, also by bundles that are taken half full and gone on with", () => {
  const entry = fc.uint8Array({ maxLength: 50 });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 600 }), fc.nat(), (entries, cut) => {
      const first = entries.slice(0, cut % (entries.length + 1));
      const bundles = new EntryBundles();
      for (const each of first) bundles.append(each);
      bundles.takeBundles();
      const full = first.length - (first.length % 256);
      const resumed = new EntryBundles(first.length, first.slice(full));
      for (const each of entries.slice(first.length)) {
        bundles.append(each);
        resumed.append(each);
      }
      const taken = bundles.takeBundles();
      assert.deepEqual(resumed.takeBundles(), taken);
      const read = taken.flatMap(({ bytes, width }) => parseBundle(bytes, width, "bundle"));
      const expected = first.length === entries.length ? [] : entries.slice(full);
      assert.deepEqual(
        read.map((each) => [...each]),
        expected.map((each) => [...each]),
      );
    }),
    { numRuns: 50 },
  );
});

test("the longest entry has 65,535 bytes; a longer one is refused and leaves no trace", () => {
  const bundles = new EntryBundles();
  bundles.append(Buffer.alloc(65_535, 1));
  assert.throws(() => bundles.append(Buffer.alloc(65_536)), { code: "ENTRY_TOO_LONG" });
  const [bundle] = bundles.takeBundles();
  assert.equal(bundle?.width, 1);
  assert.equal(parseBundle(bundle.bytes, 1, "bundle")[0]?.length, 65_535);
  assert.throws(() => new EntryBundles(257, []), RangeError);
});

test("a bundle that is cut, too long or of another width is refused", () => {
  const bytes = Buffer.from("\0\x03one\0\x03two", "latin1");
  assert.equal(parseBundle(bytes, 2, "bundle").length, 2);
  for (const [cut, width] of [
    [bytes.subarray(0, -1), 2],
    [bytes.subarray(0, 6), 1],
    [bytes, 1],
    [bytes, 3],
    [Buffer.concat([bytes, Buffer.of(0)]), 2],
    [Buffer.of(0xff, 0xff), 1],
  ] as const) {
    assert.throws(() => parseBundle(Buffer.from(cut), width, "bundle"), { code: "LOG_INVALID" });
  }
});
