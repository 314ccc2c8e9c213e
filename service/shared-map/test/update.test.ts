/** What changes a value that is there, as one step: compute, add and counters, by both cores. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Attachment } from "../src/attachment.ts";
import { ANYTHING, CONFLICT } from "../src/core/layout.ts";
import { type MapKey, SharedMap } from "../src/index.ts";

const maxBytes = 2 ** 22;

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    test("compute replaces, makes and deletes; what it throws changes nothing", () => {
      using map = SharedMap.create<MapKey, string | number>({ maxBytes, core });
      assert.equal(
        map.compute("n", (n) => (n === undefined ? 1 : -1)),
        1,
      );
      assert.equal(
        map.compute("n", (n) => Number(n) + 1),
        2,
      );
      assert.throws(
        () =>
          map.compute("n", () => {
            throw new Error("mine");
          }),
        /mine/,
      );
      assert.equal(map.get("n"), 2);
      assert.equal(
        map.compute("n", () => undefined),
        undefined,
      );
      assert.equal(map.has("n"), false);
      assert.equal(
        map.compute("n", () => undefined),
        undefined,
      );
    });

    test("a compute that changes its own key under way starts again", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core });
      let calls = 0;
      const made = map.compute("n", (n) => {
        if (calls++ === 0) map.set("n", 10);
        return (n ?? 0) + 1;
      });
      assert.deepEqual([made, calls, map.get("n")], [11, 2, 11]);
      // The same value again, at the same address perhaps: still another entry.
      calls = 0;
      map.compute("n", (n) => {
        if (calls++ === 0) for (let i = 0; i < 100; i++) map.set("n", i).set("n", 11);
        return n! + 1;
      });
      assert.deepEqual([calls, map.get("n")], [2, 12]);
    });

    test("add and counters: integers that others see at once", () => {
      using map = SharedMap.create<MapKey, number | string>({ maxBytes, core });
      assert.equal(map.add("a"), 1);
      assert.equal(map.add("a", 41), 42);
      assert.equal(map.set("b", 5).add("b", -7), -2);
      const counter = map.counter("a");
      assert.equal(counter.add(2 ** 40), 2 ** 40 + 42);
      assert.equal(map.get("a"), counter.value);
      assert.equal(map.add("a", -42), 2 ** 40);
      assert.equal(map.counter("a"), counter);
      map.set("a", 7);
      assert.equal(counter.value, 7);
      assert.equal(
        map.compute("a", (n) => Number(n) * 3),
        21,
      );
      assert.equal(counter.add(), 22);
      assert.equal(map.delete("a"), true);
      assert.equal(counter.value, 0);
      counter.add(5);
      map.clear();
      assert.equal(counter.value, 0);
      assert.equal(counter.add(), map.get("a"));
      map.check();
    });

    test("a counter whose handles are all closed is an entry like others, with its value", () => {
      using map = SharedMap.create<MapKey, number>({ maxBytes, core });
      using other = SharedMap.attach<MapKey, number>(map.handle);
      const bytes = () => new Uint8Array([1, 2]);
      const mine = map.counter(bytes());
      assert.equal(map.counter(bytes()), mine, "one handle for equal bytes");
      const theirs = other.counter(bytes());
      mine.add(5);
      mine.close();
      mine.close();
      assert.throws(() => mine.add(), /closed/);
      assert.throws(() => mine.value, /closed/);
      map.delete(bytes());
      assert.equal(map.has(bytes()), true, "another thread has a handle");
      assert.equal(theirs.add(7), 7);
      theirs.close();
      assert.equal(map.get(bytes()), 7);
      assert.equal(map.add(bytes(), 1), 8);
      assert.equal(map.delete(bytes()), true);
      assert.equal(map.has(bytes()), false);
      {
        using again = map.counter("text");
        again.add(2);
      }
      assert.equal(map.touch("text", 60_000), true);
      assert.equal(map.expiresIn("text") !== Number.POSITIVE_INFINITY, true);
      assert.equal(other.counter("text").add(), 3);
      other.close();
      map.clear();
      assert.equal(map.size, 0, "a map that is closed has no handles");
      map.check();
    });
  });
}

test("a conditional write is not deceived by an entry that came to lie where the expected one lay", () => {
  using map = SharedMap.create<MapKey, number>({ maxBytes });
  const thread = new Attachment(map.handle, {});
  const put = (value: number, expected: number, generation: number) => {
    const keyMeta = thread.putKey("k");
    return thread.write(keyMeta, thread.values.put(value), 0, expected, generation, 0);
  };
  put(0, ANYTHING, 0);
  thread.read("k", undefined);
  const { found, foundGeneration } = thread;
  let writes = 0;
  do {
    put(++writes, ANYTHING, 0);
    thread.read("k", undefined);
  } while (thread.found !== found && writes < 100_000);
  assert.equal(thread.found, found, "the block was used again");
  assert.equal(put(-1, found, foundGeneration), CONFLICT);
  assert.equal(map.get("k"), writes);
  assert.equal(put(-1, found, thread.foundGeneration), 0);
  thread.detach();
});
