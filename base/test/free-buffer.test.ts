/** Memory that is given back before the garbage collector comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { freeBuffer } from "../src/index.ts";

test("a freed buffer is empty, and its memory is gone at once", () => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = new Uint8Array(64 * 2 ** 20);
  assert.ok(process.memoryUsage().arrayBuffers >= before + bytes.length);
  freeBuffer(bytes.buffer);
  assert.equal(bytes.length, 0);
  assert.ok(process.memoryUsage().arrayBuffers < before + 2 ** 20);
});

test("shared memory is left to whoever shares it", () => {
  const words = new Int32Array(new SharedArrayBuffer(8));
  freeBuffer(words.buffer);
  assert.equal(words.length, 2);
});
