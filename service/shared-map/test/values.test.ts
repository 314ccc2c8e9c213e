/** Keys and values: what goes in comes back, by both cores. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runInNewContext } from "node:vm";
import { jsonCodec, type MapKey, SharedMap, structuredCodec } from "../src/index.ts";

const maxBytes = 2 ** 22;

for (const core of ["wasm", "typescript"] as const) {
  describe(`by ${core}`, () => {
    test("values come back as they were, from nothing to several chunks, lone surrogates included", () => {
      using map = SharedMap.create<MapKey, unknown>({ maxBytes: 2 ** 24, core });
      const texts = ["", "a", "\xff", "\u0100", "\ud800", "e\u0301\u{1f600}"];
      const lengths = [1, 20, 21, 4096, 28_631, 28_632, 28_633, 32_736, 65_472, 65_473, 1_000_000];
      for (const value of [...texts, ...lengths.flatMap((n) => ["x".repeat(n), "\u20ac".repeat(n)])]) {
        assert.equal(map.set("k", value).get("k"), value);
      }
      const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 251);
      assert.deepEqual(map.set("k", bytes).get("k"), bytes);
      for (const value of [
        0,
        -0,
        1e308,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        0n,
        -(2n ** 200n),
        true,
        false,
        null,
      ]) {
        assert.ok(Object.is(map.set("k", value).get("k"), value), String(value));
      }
      assert.equal(map.set("k", undefined).get("k"), undefined);
      assert.equal(map.has("k"), true);
      map.check();
    });

    test("values without bytes, behind keys that fill their blocks, touch no other block", () => {
      using map = SharedMap.create<MapKey, boolean | string | null>({ maxBytes, core });
      for (let length = 1; length <= 64; length++) {
        const keys = Array.from({ length: 20 }, (_, i) => String(i).padEnd(length, "-"));
        for (const key of keys) map.set(key, null);
        for (const key of keys.toReversed()) map.set(key, true).set(key, "").set(key, false);
        for (const key of keys) assert.equal(map.get(key), false);
        map.check();
      }
    });

    test("bytes of another realm are bytes: as key, as value, and from a codec", () => {
      const bytes: Uint8Array = runInNewContext("new Uint8Array([1, 2])");
      assert.ok(!(bytes instanceof Uint8Array));
      const codec = {
        name: "foreign",
        encode: (): Uint8Array => runInNewContext("new Uint8Array([7])"),
        decode: (stored: Uint8Array) => [...stored],
      };
      using map = SharedMap.create<MapKey, unknown>({ maxBytes, core, codec });
      map.set(bytes, bytes).set("long", runInNewContext("new Uint8Array(100_000).fill(3)")).set("coded", {});
      assert.deepEqual(map.get(new Uint8Array([1, 2])), new Uint8Array([1, 2]));
      assert.deepEqual(map.get("long"), new Uint8Array(100_000).fill(3));
      assert.deepEqual(map.get("coded"), [7]);
      assert.equal(map.counter(runInNewContext("new Uint8Array([5])")).add(), 1);
    });

    test("a bytes value is a copy, in and out", () => {
      using map = SharedMap.create<MapKey, Uint8Array>({ maxBytes, core });
      const bytes = new Uint8Array([1, 2]);
      map.set("k", bytes);
      bytes[0] = 9;
      const out = map.get("k")!;
      out[1] = 9;
      assert.deepEqual(map.get("k"), new Uint8Array([1, 2]));
    });

    test("codecs: values and keys of other types", () => {
      const date = new Date(7);
      using map = SharedMap.create<unknown, unknown>({
        maxBytes,
        codec: structuredCodec,
        keyCodec: jsonCodec,
        core,
      });
      map.set({ id: 1 }, date).set(["a", 2], new Map([[1, new Set([2])]]));
      assert.deepEqual(map.get({ id: 1 }), date);
      assert.deepEqual(map.get(["a", 2]), new Map([[1, new Set([2])]]));
      assert.deepEqual(
        new Set([...map.keys()].map((key) => JSON.stringify(key))),
        new Set(['{"id":1}', '["a",2]']),
      );
    });

    test("a codec may use the map itself", () => {
      const codec = {
        name: "counting",
        encode(value: unknown) {
          map.add("encoded");
          return Buffer.from(JSON.stringify(value));
        },
        decode(bytes: Uint8Array): unknown {
          map.add("decoded");
          return JSON.parse(Buffer.from(bytes).toString());
        },
      };
      using map: SharedMap<unknown, unknown> = SharedMap.create<unknown, unknown>({
        maxBytes,
        codec,
        keyCodec: codec,
        core,
      });
      map.set({ k: 1 }, { v: 1 });
      assert.deepEqual(map.get({ k: 1 }), { v: 1 });
      const walked = [...map].filter(([key]) => typeof key === "object");
      assert.deepEqual(walked, [[{ k: 1 }, { v: 1 }]]);
      assert.deepEqual(
        map.compute({ k: 1 }, (value) => ({ old: value })),
        { old: { v: 1 } },
      );
      map.check();
    });
  });
}
