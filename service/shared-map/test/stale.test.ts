/** An entry that has expired lately is handed out by `fetch` while it is loaded anew, and seen by nobody else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CupelError } from "@cupel/base";
import { type LoadContext, type MapKey, SharedMap } from "../src/index.ts";

const soon = <T>(value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), 3));

function manual(more: object = {}) {
  const time = { now: 1000 };
  const clock = { now: () => 0, monotonic: () => time.now };
  const options = { maxBytes: 2 ** 20, ttl: 100, staleFor: 1000, clock, groupBits: 0, ...more };
  const map = SharedMap.create<MapKey, unknown>(options);
  const other = SharedMap.attach<MapKey, unknown>(map.handle, { clock });
  return { map, other, time };
}

for (const nearCache of [0, 10]) {
  test(`a stale value is served at once while one thread loads, nearCache ${nearCache}`, async () => {
    const { map, other, time } = manual({ nearCache });
    let loads = 0;
    const seen: unknown[] = [];
    const loader = (_: MapKey, stale: unknown) => {
      seen.push(stale);
      return soon(`value ${++loads}`);
    };
    assert.equal(await map.fetch("k", loader), "value 1");
    assert.equal(await other.fetch("k", loader), "value 1");
    time.now += 100;
    const served = [map.fetch("k", loader), other.fetch("k", loader), map.fetch("k", loader)];
    assert.deepEqual(await Promise.all(served), ["value 1", "value 1", "value 1"]);
    assert.equal(loads, 2, "one load, and nobody has waited for it");
    assert.deepEqual(
      [map.get("k"), map.has("k"), map.peek("k"), map.expiresIn("k")],
      [undefined, false, undefined, undefined],
    );
    assert.deepEqual([...map.keys()], []);
    assert.equal(map.touch("k"), false);
    assert.deepEqual(await map.fetch("k", loader, { allowStale: false }), "value 2");
    assert.deepEqual([map.get("k"), map.expiresIn("k"), loads], ["value 2", 100, 2]);
    assert.deepEqual(seen, [undefined, "value 1"]);
    // Not beyond.
    time.now += 1100;
    assert.equal(await other.fetch("k", loader), "value 3");
    assert.deepEqual(seen, [undefined, "value 1", undefined]);
    map.check();
    other.close();
    map.close();
  });
}

test("where loading anew fails, the stale value stays for as long as it may, and each fetch tries again", async () => {
  const { map, other, time } = manual();
  other.close();
  const fails = () => Promise.reject(new Error("down"));
  map.set("k", "old");
  time.now += 100;
  for (let i = 1; i <= 3; i++) {
    assert.equal(await map.fetch("k", fails), "old");
    await soon(0);
    assert.equal(map.stats().loadFailures, i);
  }
  await assert.rejects(map.fetch("k", fails, { allowStale: false }), /down/);
  const lenient = { allowStale: false, allowStaleOnFetchRejection: true };
  assert.equal(await map.fetch("k", fails, lenient), "old");
  const left = new AbortController();
  const leaving = map.fetch("k", () => soon(1), { ...lenient, signal: left.signal });
  left.abort(new Error("left"));
  await assert.rejects(leaving, /left/, "who leaves is served nothing");
  const hanging = (_: MapKey, __: unknown, { signal }: LoadContext) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  assert.equal(await map.fetch("k", hanging, { ...lenient, timeout: 5 }), "old");
  time.now += 1000;
  await assert.rejects(map.fetch("k", fails, lenient), /down/);
  map.check();
  map.close();
});

test("a refresh that hangs holds nobody up who takes a stale value, and ends with its timeout", async () => {
  const { map, other, time } = manual();
  map.set("k", "old");
  time.now += 100;
  const never = () => new Promise<never>(() => {});
  assert.equal(await map.fetch("k", never, { timeout: 5 }), "old");
  assert.equal(await other.fetch("k", never), "old");
  assert.equal(map.stats().loads, 1, "one refreshes");
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await other.fetch("k", () => "new"), "old");
  await soon(0);
  assert.equal(map.get("k"), "new");
  other.close();
  map.close();
});

test("a stale value is gone after delete, clear, and a loader that gives undefined; a write replaces it", async () => {
  const { map, other, time } = manual();
  other.close();
  const isStale = async (key: MapKey) =>
    (await map.fetch(key, () => "loaded", { timeout: 50 })) === "old" || map.delete(key) === false;
  for (const [key, act] of [
    ["deleted", () => map.delete("deleted")],
    ["cleared", () => map.clear()],
    ["undefined", () => map.fetch("undefined", () => undefined, { allowStale: false })],
  ] as const) {
    map.set(key, "old");
    time.now += 100;
    await act();
    assert.equal(await isStale(key), false, key);
  }
  map.set("k", "old");
  time.now += 100;
  assert.equal(map.setIfAbsent("k", "set"), true, "it has expired");
  assert.equal(await map.fetch("k", () => "loaded"), "set");
  map.set("k", "old");
  time.now += 100;
  assert.equal(map.set("k", 1, { ttl: "keep" }).expiresIn("k"), 100, "there was nothing to keep");
  // Deleted while it is loaded anew.
  map.set("k", "old");
  time.now += 100;
  assert.equal(await map.fetch("k", () => soon("loaded")), "old");
  map.delete("k");
  await soon(0);
  await soon(0);
  assert.equal(map.has("k"), false);
  map.check();
  map.close();
});

test("writes and purgeStale leave a stale entry, until its time is over or memory is short", async () => {
  const { map, other, time } = manual();
  other.close();
  const keeps = async (key: MapKey) => (await map.fetch(key, () => "loaded")) === "old";
  map.set("kept", "old").set("purged", "old", { ttl: 1 });
  time.now += 100;
  for (let i = 0; i < 500; i++) map.set(i, i, { ttl: 1000 });
  assert.equal(map.purgeStale(), 0);
  assert.equal(await keeps("kept"), true);
  time.now += 901;
  assert.equal(map.purgeStale(), 1, "the one that ended first");
  map.clear();
  map.set("k", "old");
  time.now += 100;
  assert.throws(() => {
    for (let i = 0; ; i++) map.set(`filler ${i}`, "v".repeat(2000), { ttl: 1e6 });
  }, /full/);
  assert.equal(await keeps("k"), false, "it went when memory was short");
  map.check();
  map.close();
});

test("staleFor is 0 or more", () => {
  for (const staleFor of [-1, Number.NaN, "1" as never]) {
    assert.throws(
      () => SharedMap.create({ staleFor }),
      (thrown) => thrown instanceof CupelError && thrown.code === "OPTION_INVALID",
    );
  }
  using map = SharedMap.create<MapKey, number>({
    maxBytes: 2 ** 20,
    staleFor: Number.POSITIVE_INFINITY,
    ttl: 1,
  });
  map.set("k", 1);
  assert.equal(map.handle.settings.staleFor, Number.POSITIVE_INFINITY);
});
