/** A near cache hands out what it keeps as long as it is what the map has, and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "@cupel/base";
import { jsonCodec, type MapKey, SharedMap } from "../src/index.ts";

/** Counts what it decodes: what is kept is not decoded again. */
function countingCodec() {
  const codec = {
    name: "counting",
    decoded: 0,
    isBroken: false,
    encode: jsonCodec.encode,
    decode(bytes: Uint8Array): unknown {
      if (codec.isBroken) throw new Error("broken");
      codec.decoded++;
      return jsonCodec.decode(bytes);
    },
  };
  return codec;
}

/** The map of another thread, as far as the near cache can tell: it writes and tells nobody. */
function twoViews(options: {
  readonly nearCache: number;
  readonly eviction?: "sieve";
  readonly maxBytes?: number;
}) {
  const codec = countingCodec();
  const map = SharedMap.create<MapKey, object>({ ...options, codec });
  const other = SharedMap.attach<MapKey, object>(map.handle, { codec: jsonCodecAs(codec.name) });
  return { codec, map, other };
}

const jsonCodecAs = (name: string) => ({ ...jsonCodec, name });

test("a value is decoded once while other keys are written", () => {
  const { codec, map, other } = twoViews({ nearCache: 100 });
  for (let i = 0; i < 3000; i++) other.set(i, { i });
  const first = map.get(7);
  for (let i = 0; i < 3000; i++) if (i !== 7) other.set(i, { i: -i });
  assert.equal(map.get(7), first, "the same object");
  assert.equal(codec.decoded, 1);
  assert.ok(map.has(7));
});

for (const [name, change, expected] of [
  ["set", (other) => other.set(7, { b: 2 }), { b: 2 }],
  ["deleted", (other) => other.delete(7), undefined],
  ["cleared away", (other) => other.clear(), undefined],
  ["deleted and set again", (other) => other.delete(7) && other.set(7, { a: 1 }), { a: 1 }],
  ["computed", (other) => other.compute(7, () => ({ c: 3 })), { c: 3 }],
] satisfies [string, (other: SharedMap<MapKey, object>) => unknown, object | undefined][]) {
  test(`a key that another has ${name} is read anew`, () => {
    const { map, other } = twoViews({ nearCache: 100 });
    for (let i = 0; i < 100; i++) other.set(i, { a: 1 });
    const before = map.get(7);
    assert.ok(map.has(7));
    change(other);
    assert.deepEqual(map.get(7), expected);
    assert.notEqual(map.get(7), before);
    assert.equal(map.has(7), expected !== undefined);
  });
}

test("any operations of two: what one reads is what the other wrote last", () => {
  const { map, other } = twoViews({ nearCache: 20, eviction: "sieve", maxBytes: 2 ** 20 });
  const random = createRandom(3);
  const model = new Map<number, string>();
  for (let i = 0; i < 20_000; i++) {
    const key = random.integer(40);
    const choice = random.uniform();
    if (choice < 0.6) assert.equal(JSON.stringify(map.get(key)), model.get(key), `${i}`);
    else if (choice < 0.7) assert.equal(map.has(key), model.has(key), `${i}`);
    else if (choice < 0.9) {
      const value = { i };
      (choice < 0.8 ? other : map).set(key, value);
      model.set(key, JSON.stringify(value));
    } else {
      other.delete(key);
      model.delete(key);
    }
  }
});

test("it keeps as many as it has room for, and forgets the one that has been there longest", () => {
  const { codec, map } = twoViews({ nearCache: 3 });
  for (const key of ["a", "b", "c", "d"]) map.set(key, { key });
  for (const key of ["a", "b", "c", "a", "b", "c"]) map.get(key);
  assert.equal(codec.decoded, 3);
  map.get("d");
  for (const key of ["b", "c", "d"]) map.get(key);
  assert.equal(codec.decoded, 4);
  map.get("a");
  assert.equal(codec.decoded, 5);
});

test("a value that its codec cannot decode any more is not the one from before", () => {
  const { codec, map, other } = twoViews({ nearCache: 10 });
  other.set("k", { a: 1 });
  map.get("k");
  other.set("k", { a: 2 });
  codec.isBroken = true;
  assert.throws(() => map.get("k"));
  codec.isBroken = false;
  assert.deepEqual(map.get("k"), { a: 2 });
});

test("what is read from it stays when eviction comes", () => {
  const { map, other } = twoViews({ nearCache: 10, eviction: "sieve", maxBytes: 2 ** 20 });
  map.set("wanted", { a: 1 });
  const wanted = map.get("wanted");
  for (let i = 0; i < 12_000; i++) {
    other.set(i, { text: "x".repeat(200) });
    if (i % 50 === 0) assert.equal(map.get("wanted"), wanted, `${i}`);
  }
  assert.ok(map.stats().evictions > 1000);
});

test("a closed map hands out nothing", () => {
  const { map } = twoViews({ nearCache: 10 });
  map.set("k", { a: 1 });
  map.get("k");
  map.close();
  for (const read of [() => map.get("k"), () => map.has("k")]) {
    assert.throws(read, (thrown) => (thrown as { code?: string }).code === "MAP_CLOSED");
  }
});
