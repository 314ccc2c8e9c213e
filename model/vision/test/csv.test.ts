import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCsv } from "../src/sources/csv.ts";

test("quoted fields keep commas, quotes and line breaks (RFC 4180, section 2)", () => {
  assert.deepEqual(parseCsv('"aaa","b ""b"" b","c,\r\nc"\r\nzzz,yyy,xxx'), [
    ["aaa", 'b "b" b', "c,\r\nc"],
    ["zzz", "yyy", "xxx"],
  ]);
});

test("a byte-order mark, blank lines and a missing last line end are passed over", () => {
  assert.deepEqual(parseCsv("\uFEFFfile,label\n\na.png,1\r\n\r\nb.png,"), [
    ["file", "label"],
    ["a.png", "1"],
    ["b.png", ""],
  ]);
});

test("a quote left open takes the rest of the text", () => {
  assert.deepEqual(parseCsv('a,"b\nc'), [["a", "b\nc"]]);
});

test("whatever is written as RFC 4180 is read back", () => {
  const field = fc.string({ unit: fc.constantFrom("a", ",", '"', "\n", "\r", " ", "é") });
  // A record of one empty field is a blank line, which is passed over.
  const record = fc.array(field, { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 5 }), (records) => {
      const text = records
        .map((fields) => fields.map((value) => `"${value.replaceAll('"', '""')}"`).join(","))
        .join("\r\n");
      assert.deepEqual(parseCsv(text), records);
    }),
  );
});
