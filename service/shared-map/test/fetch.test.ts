/** A value that many want is loaded once, by one thread, and never over something newer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { CupelError, collectGarbage } from "@cupel/base";
import { Attachment } from "../src/attachment.ts";
import { CLAIM_COUNT, SCRATCH, SCRATCH_KEY } from "../src/core/layout.ts";
import { Fetches } from "../src/fetch.ts";
import { bufferOf } from "../src/handle.ts";
import { jsonCodec, type LoadContext, type MapKey, SharedMap } from "../src/index.ts";
import { control, startFetching } from "./threads/fetching.ts";

const maxBytes = 2 ** 20;
const create = (more: object = {}) => SharedMap.create<MapKey, unknown>({ maxBytes, ...more });
const soon = <T>(value: T, ms = 5) => new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));
const never = () => new Promise<never>(() => {});
const code = (expected: string) => (thrown: unknown) =>
  thrown instanceof CupelError && thrown.code === expected;
const claims = (map: SharedMap<MapKey, unknown>) =>
  new Int32Array(bufferOf(map.handle.memory))[CLAIM_COUNT >> 2];

test("callers of one thread share one load; who comes later finds the value", async () => {
  using map = create({ ttl: 1000, nearCache: 10 });
  const calls: unknown[][] = [];
  const loader = (key: MapKey, stale: unknown, { signal }: LoadContext) => {
    calls.push([key, stale, signal.aborted]);
    return soon({ of: key });
  };
  using coded = create({ codec: jsonCodec });
  const values = await Promise.all([1, 2, 3].map(() => coded.fetch("k", loader)));
  assert.deepEqual(values, [{ of: "k" }, { of: "k" }, { of: "k" }]);
  assert.equal(values[0], values[2], "the very value that the loader gave");
  assert.deepEqual(calls, [["k", undefined, false]]);
  assert.deepEqual(await coded.fetch("k", loader), { of: "k" });
  assert.equal(calls.length, 1);
  // Of every type of key, and a value that is there at once.
  for (const key of ["", "\u0100", 0, Number.NaN, 5n, new Uint8Array([1])]) {
    const [one, two] = await Promise.all([map.fetch(key, () => 1), map.fetch(key, () => 2)]);
    assert.deepEqual([one, two, map.get(key)], [1, 1, 1], String(key));
  }
  assert.ok(map.expiresIn("")! <= 1000, "the map's ttl");
  await map.fetch("own", () => 1, { ttl: 50_000 });
  assert.ok(map.expiresIn("own")! > 1000);
  map.set("undefined", undefined);
  assert.equal(await map.fetch("undefined", never), undefined, "it is there, with that value");
  assert.deepEqual([map.stats().loads, map.stats().loadFailures, claims(map)], [7, 0, 0]);
});

test("undefined is not stored, null is; a loader that fails fails for all who wait, and leaves nothing", async () => {
  using map = create();
  let calls = 0;
  const nothing = () => soon(void calls++);
  assert.deepEqual(await Promise.all([map.fetch("k", nothing), map.fetch("k", nothing)]), [
    undefined,
    undefined,
  ]);
  assert.deepEqual([calls, map.has("k")], [1, false]);
  assert.equal(await map.fetch("k", () => null), null);
  assert.equal(map.get("k"), null);
  const mine = new Error("mine");
  for (const fails of [
    () => {
      throw mine;
    },
    () => Promise.reject(mine),
  ]) {
    const settled = await Promise.allSettled([1, 2].map(() => map.fetch("failing", fails)));
    assert.deepEqual(
      settled.map((one) => one.status === "rejected" && one.reason),
      [mine, mine],
    );
    assert.equal(map.has("failing"), false);
  }
  assert.deepEqual([map.stats().loadFailures, claims(map)], [2, 0]);
  assert.equal(await map.fetch("failing", () => 1), 1, "the next one tries again");
});

const writes: Record<string, (map: SharedMap<MapKey, unknown>) => unknown> = {
  set: (map) => void map.set("k", "newer"),
  setIfAbsent: (map) => void map.setIfAbsent("k", "newer"),
  compareAndSet: (map) => void map.compareAndSet("k", undefined, "newer"),
  compute: (map) => void map.compute("k", () => "newer"),
  getOrInsert: (map) => void map.getOrInsert("k", "newer"),
  add: (map) => map.add("k", 1),
  counter: (map) => void map.counter("k").add(),
  delete: (map) => void map.delete("k"),
  "set and delete": (map) => void map.set("k", 1).delete("k"),
  clear: (map) => map.clear(),
};
for (const [name, write] of Object.entries(writes)) {
  test(`${name} by another thread while a key is loaded: what was loaded is not stored`, async () => {
    using map = create();
    using other = SharedMap.attach<MapKey, unknown>(map.handle);
    const fetched = map.fetch("k", () => soon("older"));
    write(other);
    const newer = other.get("k");
    assert.equal(await fetched, newer ?? "older");
    assert.equal(map.get("k"), newer);
    assert.equal(await map.fetch("k", () => "next"), newer ?? "next");
    map.check();
  });
}

test("after a key is deleted, nobody gets what was being loaded before", async () => {
  using map = create();
  using other = SharedMap.attach<MapKey, unknown>(map.handle);
  let source = "old";
  const loader = () => soon(source);
  const before = map.fetch("k", loader);
  source = "new";
  map.delete("k");
  assert.deepEqual(await Promise.all([map.fetch("k", loader), other.fetch("k", loader), before]), [
    "new",
    "new",
    "old",
  ]);
  assert.deepEqual([map.get("k"), map.stats().loads], ["new", 2]);
});

test("a write of the loader's own stays, and a write to another key disturbs no load", async () => {
  using map = create();
  assert.equal(await map.fetch("k", () => map.set("k", "own") && "loaded"), "own");
  const fetched = map.fetch("a", () => soon("loaded"));
  for (let i = 0; i < 2000; i++) map.set(i, i).delete(i - 1);
  assert.equal(await fetched, "loaded");
  assert.equal(map.get("a"), "loaded");
});

test("forceRefresh loads though the key is there, and hands the loader what it has", async () => {
  using map = create();
  using other = SharedMap.attach<MapKey, unknown>(map.handle);
  map.set("k", 1);
  const next = (_: MapKey, stale: unknown) => soon(Number(stale) + 1);
  const both = [map.fetch("k", next, { forceRefresh: true }), other.fetch("k", next, { forceRefresh: true })];
  assert.equal(await map.fetch("k", never), 1, "others are served what is there");
  assert.deepEqual(await Promise.all(both), [2, 2]);
  assert.equal(map.stats().loads, 1);
  assert.equal(await map.fetch("k", () => undefined, { forceRefresh: true }), undefined);
  assert.equal(map.has("k"), false, "it is known to be gone");
  map.counter("n").add(5);
  assert.equal(await map.fetch("n", () => 7, { forceRefresh: true }), 7);
  assert.equal(map.get("n"), 7);
});

test("a loader may fetch other keys, and many keys are loaded at once", async () => {
  using map = create({ maxThreads: 1 });
  const sum = async (key: MapKey): Promise<number> => {
    const n = Number(key);
    if (n < 2) return n;
    const parts = await Promise.all([n - 1, n - 2].map((k) => map.fetch(k, sum)));
    return Number(parts[0]) + Number(parts[1]);
  };
  assert.equal(await map.fetch(40, sum), 102_334_155);
  assert.equal(map.stats().loads, 41);
  // More than there are places for claims.
  const keys = Array.from({ length: 200 }, (_, i) => `key ${i}`);
  assert.deepEqual(await Promise.all(keys.map((key) => map.fetch(key, (k) => soon(k)))), keys);
  assert.deepEqual([map.size, map.stats().loads, claims(map)], [241, 241, 0]);
});

test("a load is aborted when no caller is left, and not before", async () => {
  using map = create();
  let seen: AbortSignal | undefined;
  const loader = (_: MapKey, __: unknown, { signal }: LoadContext) => {
    seen = signal;
    return soon("loaded", 20);
  };
  const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
  const one = map.fetch("k", loader, { signal: first.signal });
  const two = map.fetch("k", loader, { signal: second.signal });
  const three = map.fetch("k", loader);
  first.abort(new Error("first"));
  second.abort(new Error("second"));
  await assert.rejects(one, /first/);
  await assert.rejects(two, /second/);
  assert.equal(seen!.aborted, false);
  assert.equal(await three, "loaded");
  third.abort();
  await assert.rejects(map.fetch("k", loader, { signal: third.signal }), { name: "AbortError" });
  // Now all leave: it is aborted, stores nothing, and is not waited for.
  const last = new AbortController();
  const left = map.fetch("left", () => soon("late"), { signal: last.signal });
  const leftToo = map.fetch("left", loader, { signal: last.signal });
  last.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  await assert.rejects(leftToo, /gone/);
  assert.equal(await map.fetch("left", () => "anew"), "anew");
  await soon(0, 10);
  assert.deepEqual([map.get("left"), claims(map)], ["anew", 0]);
});

test("a loader that takes too long is given up; who waits for another's load loads by itself after as long", async () => {
  using map = create();
  using other = SharedMap.attach<MapKey, unknown>(map.handle);
  let aborted: unknown;
  const hanging = (_: MapKey, __: unknown, { signal }: LoadContext) => {
    signal.addEventListener("abort", () => {
      aborted = signal.reason;
    });
    return never();
  };
  await assert.rejects(map.fetch("k", hanging, { timeout: 10 }), code("LOAD_TIMEOUT"));
  assert.ok(code("LOAD_TIMEOUT")(aborted));
  void map.fetch("k", never).catch(() => {});
  assert.equal(await other.fetch("k", () => "own", { timeout: 10 }), "own");
  assert.equal(map.get("k"), "own");
  await assert.rejects(
    map.fetch("x", () => 1, { timeout: 0 }),
    code("OPTION_INVALID"),
  );
  await assert.rejects(
    map.fetch("x", () => 1, { ttl: -1 }),
    code("OPTION_INVALID"),
  );
  await assert.rejects(map.fetch("x", 1 as never), code("OPTION_INVALID"));
});

test("a map that is closed while it loads gives MAP_CLOSED, aborts the loader, and lets others load", async () => {
  using map = create();
  const other = SharedMap.attach<MapKey, unknown>(map.handle);
  let signal: AbortSignal | undefined;
  const closing = other.fetch("k", (_, __, context) => {
    signal = context.signal;
    return never();
  });
  const waiting = map.fetch("k", () => "loaded");
  const waiting2 = other.fetch("waits", never);
  other.close();
  await assert.rejects(closing, code("MAP_CLOSED"));
  await assert.rejects(waiting2, code("MAP_CLOSED"));
  assert.ok(signal!.aborted);
  assert.equal(await waiting, "loaded");
  await assert.rejects(other.fetch("k", never), code("MAP_CLOSED"));
  assert.deepEqual([map.stats().threads, claims(map)], [1, 0]);
});

test("a map that is forgotten while it loads stays open for that", async () => {
  const { handle } = create();
  const loading = Promise.withResolvers<string>();
  const begin = () => SharedMap.attach<MapKey, unknown>(handle).fetch("k", () => loading.promise);
  const fetched = begin();
  for (let i = 0; i < 6; i++) {
    collectGarbage();
    await soon(0, 4);
  }
  loading.resolve("loaded");
  assert.equal(await fetched, "loaded");
  using map = SharedMap.attach<MapKey, unknown>(handle);
  assert.equal(map.get("k"), "loaded");
});

test("a value for which there is no room is given, and counted; one that cannot be stored at all is refused", async () => {
  using map = create({ maxValueBytes: 1000 });
  assert.throws(() => {
    for (let i = 0; ; i++) map.set(i, "v".repeat(900));
  }, code("MAP_FULL"));
  assert.equal(await map.fetch("k", () => "v".repeat(900)), "v".repeat(900));
  assert.equal(await map.fetch("k", () => "v".repeat(1001)), "v".repeat(1001));
  assert.equal(map.has("k"), false);
  assert.equal(map.stats().unstored, 2);
  await assert.rejects(
    map.fetch("k", () => ({})),
    code("VALUE_UNSUPPORTED"),
  );
  await assert.rejects(
    map.fetch("k".repeat(5000), () => 1),
    code("KEY_TOO_LONG"),
  );
  await assert.rejects(
    map.fetch({} as never, () => 1),
    code("KEY_UNSUPPORTED"),
  );
  assert.equal(claims(map), 0);
});

test("where there is no place for a claim, a key is loaded all the same, and not over a newer value", async () => {
  using map = create({ maxThreads: 2 });
  const holder = new Attachment(map.handle, {});
  // All places of the key's bucket.
  while (holder.core.claim(holder.lane, holder.putKey("k"), 1) !== 0);
  const stalled = map.fetch("k", () => 1, { timeout: 5 });
  assert.equal(await stalled, 1);
  map.delete("k");
  const fetched = map.fetch("k", () => soon("older"));
  map.set("k", "newer");
  assert.equal(await fetched, "newer");
  holder.detach();
  assert.equal(claims(map), 0, "who leaves gives its claims back");
});

/** Two numbers that a map takes for the same key when it looks at claims. */
function collision(attachment: Attachment): [number, number] {
  const { core, lane } = attachment;
  const place = attachment.words[(lane + SCRATCH) >> 2]! + SCRATCH_KEY;
  const seen = new Map<number, number>();
  for (let key = 0; ; key++) {
    const hash = core.hashBytes(place, attachment.putKey(key) >>> 4);
    const other = seen.get(hash);
    if (other !== undefined) return [other, key];
    seen.set(hash, key);
  }
}

test("keys with equal hashes are loaded each, one after the other where threads differ, and within each other too", async () => {
  using map = create();
  const [a, b] = collision(new Attachment(map.handle, {}));
  using other = SharedMap.attach<MapKey, unknown>(map.handle);
  const loader = (key: MapKey) => soon(`of ${key}`);
  assert.deepEqual(await Promise.all([map.fetch(a, loader), other.fetch(b, loader)]), [`of ${a}`, `of ${b}`]);
  map.clear();
  const outer = map.fetch(a, async () => `${await map.fetch(b, loader)} within`);
  assert.deepEqual([await outer, map.get(b)], [`of ${b} within`, `of ${b}`]);
  map.clear();
  // A write to the one outdates the claim for the other: its value is given, and loaded again by the next.
  const disturbed = map.fetch(a, loader);
  other.set(b, 1);
  assert.equal(await disturbed, `of ${a}`);
  assert.equal(await map.fetch(a, loader), `of ${a}`);
  assert.deepEqual([map.get(a), map.get(b), claims(map)], [`of ${a}`, 1, 0]);
});

test("a value that another thread stores between two looks is the one that is given", async () => {
  using map = create();
  const attachment = new Attachment(map.handle, {});
  const looking = {
    get(key: MapKey): undefined {
      map.set(key, "stored meanwhile");
    },
  };
  const value = await new Fetches(attachment).fetch(looking, "k", () => "loaded", {});
  assert.deepEqual([value, map.stats().loads], ["stored meanwhile", 0]);
  attachment.detach();
});

for (const [core, count] of [
  ["wasm", 3],
  ["typescript", 2],
] as const) {
  test(`of ${count} threads that want the same keys at once, one loads each, by ${core}`, async () => {
    using map = create({ core });
    const state = control();
    const threads = await Promise.all(
      Array.from({ length: count }, () => startFetching(map.handle, state, "values")),
    );
    for (const { worker } of threads) worker.postMessage("go");
    const values = await Promise.all(threads.map(({ done }) => done));
    assert.deepEqual(values, Array(count).fill(Array.from({ length: 50 }, (_, i) => `value ${i}`)));
    assert.equal(state[0], 50, "calls of loaders");
    assert.deepEqual([map.stats().loads, claims(map), map.size], [50, 0, 50]);
    map.check();
  });
}

test("where loading fails, each thread tries, one after the other", async () => {
  using map = create();
  const state = control();
  const threads = await Promise.all([1, 2].map(() => startFetching(map.handle, state, "failure")));
  for (const { worker } of threads) worker.postMessage("go");
  assert.deepEqual(await Promise.all(threads.map(({ done }) => done)), Array(2).fill(["refused", "refused"]));
  assert.deepEqual([state[0], state[2]], [2, 1], "calls of loaders, and most at a time");
  assert.deepEqual([map.size, map.stats().loadFailures, claims(map)], [0, 2, 0]);
});

test("a thread that is terminated while it loads leaves the key to the next", {
  skip: process.platform !== "linux" && "elsewhere than on Linux the kernel does not tell",
}, async () => {
  using map = create();
  const state = control();
  const { worker } = await startFetching(map.handle, state, "hang");
  worker.postMessage("go");
  while (Atomics.load(state, 0) === 0) await soon(0, 1);
  const fetched = map.fetch("value 0", () => "loaded here");
  const exit = once(worker, "exit");
  void worker.terminate();
  await exit;
  assert.equal(await fetched, "loaded here");
  assert.deepEqual([map.stats().threads, claims(map)], [1, 0]);
  map.check();
});
