import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesText } from "@cupel/base";

for (const [bytes, text] of [
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1000, "1.00 kB"],
  [12_345, "12.3 kB"],
  [999_499, "999 kB"],
  [999_500, "1.00 MB"],
  [2_734_000, "2.73 MB"],
  [-2_734_000, "-2.73 MB"],
  [98_000_000_000, "98.0 GB"],
] as const) {
  test(`${bytes} bytes read as ${text}`, () => assert.equal(bytesText(bytes), text));
}
