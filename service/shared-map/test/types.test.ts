/**
 * What the compiler refuses, the map would refuse when it runs: each call here is shown to both. A line that the compiler
 * takes in spite of `@ts-expect-error` fails `npm run typecheck`.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jsonCodec, type MapKey, type MapValue, SharedMap, structuredCodec } from "../src/index.ts";
import type { SharedMapOptions } from "../src/options.ts";

const maxBytes = 2 ** 20;
const date = new Date(7);

function refuses(code: string, call: () => unknown): void {
  assert.throws(call, (thrown) => (thrown as { code?: string }).code === code);
}

test("a map that is not told its types has keys and values that it stores by itself", () => {
  using map = SharedMap.create({ maxBytes });
  map
    .set("a", 1)
    .set(2, "b")
    .set(3n, true)
    .set(new Uint8Array([4]), null);
  const value: MapValue = map.get("a");
  assert.equal(value, 1);
  assert.equal(map.add("a"), 2);
  // @ts-expect-error a boolean is no key
  refuses("KEY_UNSUPPORTED", () => map.set(true, 1));
  // @ts-expect-error nor is a Date
  refuses("KEY_UNSUPPORTED", () => map.has(date));
  // @ts-expect-error a Date is no value
  refuses("VALUE_UNSUPPORTED", () => map.set("a", date));
  // @ts-expect-error nor is an object
  refuses("VALUE_UNSUPPORTED", () => map.getOrInsert("b", { n: 1 }));
  // @ts-expect-error nor is a function
  refuses("VALUE_UNSUPPORTED", () => map.compute("b", () => () => 1));
  const annotated: SharedMap = map;
  assert.equal(annotated.get("a"), 2);
});

test("types that need a codec are refused without, wherever a map is opened", () => {
  const { handle } = SharedMap.create({ maxBytes });
  // @ts-expect-error booleans are no keys
  refuses("KEY_UNSUPPORTED", () => SharedMap.create<boolean, string>({ maxBytes }).set(true, "a"));
  // @ts-expect-error nor in a union
  refuses("KEY_UNSUPPORTED", () => SharedMap.create<string | boolean, string>().set(true, "a"));
  // @ts-expect-error a codec is for values
  refuses("KEY_UNSUPPORTED", () => SharedMap.create<boolean, Date>({ codec: jsonCodec }).set(true, date));
  // @ts-expect-error dates are no values
  refuses("VALUE_UNSUPPORTED", () => SharedMap.create<string, Date>({ maxBytes }).set("a", date));
  // @ts-expect-error nor in a union
  refuses("VALUE_UNSUPPORTED", () => SharedMap.create<string, Date | number>().set("a", date));
  // @ts-expect-error undefined is no codec
  refuses("VALUE_UNSUPPORTED", () => SharedMap.create<string, Date>({ codec: undefined }).set("a", date));
  // @ts-expect-error a key codec is for keys
  refuses("VALUE_UNSUPPORTED", () => SharedMap.create<Date, Date>({ keyCodec: jsonCodec }).set(date, date));
  // @ts-expect-error booleans are no keys
  refuses("KEY_UNSUPPORTED", () => SharedMap.attach<boolean, string>(handle).set(true, "a"));
  // @ts-expect-error dates are no values
  refuses("VALUE_UNSUPPORTED", () => SharedMap.attach<string, Date>(handle).set("a", date));
});

test("with a codec they are taken", () => {
  using dates = SharedMap.create<string, Date>({ maxBytes, codec: structuredCodec });
  assert.deepEqual(dates.set("a", date).get("a"), date);
  using same = SharedMap.attach<string, Date>(dates.handle, { codec: structuredCodec });
  assert.deepEqual(same.get("a"), date);
  using byFlag = SharedMap.create<boolean, number>({ maxBytes, keyCodec: jsonCodec });
  assert.equal(byFlag.add(true, 3), 3);
  using both = SharedMap.create<{ id: number }, Date | null>({
    maxBytes,
    keyCodec: jsonCodec,
    codec: structuredCodec,
  });
  assert.deepEqual(both.set({ id: 1 }, date).get({ id: 1 }), date);
  using untold = SharedMap.create({ maxBytes, codec: structuredCodec });
  assert.deepEqual(untold.set("a", date).get("a"), date);
});

describe("types that name what is stored anyhow need no codec", () => {
  test("literals, unions, and unknown, which is taken on trust", () => {
    using literals = SharedMap.create<"a" | 1, "x" | true>({ maxBytes });
    const value: "x" | true | undefined = literals.set("a", "x").set(1, true).get("a");
    assert.equal(value, "x");
    using optional = SharedMap.create<string, number | undefined>({ maxBytes });
    assert.equal(optional.set("a", undefined).has("a"), true);
    using trusted = SharedMap.create<unknown, unknown>({ maxBytes });
    refuses("VALUE_UNSUPPORTED", () => trusted.set("a", date));
    using values = SharedMap.create<MapKey, unknown>({ maxBytes });
    using attached = SharedMap.attach<unknown, unknown>(values.handle);
    assert.equal(attached.set("a", 1).add("a"), 2);
  });

  test("options and types that come from elsewhere", () => {
    const options: SharedMapOptions = { maxBytes, codec: jsonCodec };
    using map = SharedMap.create<string, number>(options);
    const open = <V extends MapValue>(value: V): V | undefined => {
      using generic = SharedMap.create<string, V>({ maxBytes });
      return generic.set("a", value).get("a");
    };
    assert.equal(open("text"), "text");
    const wider: SharedMap<string, number | string> = map;
    assert.equal(wider.set("a", 1).add("a"), 2);
  });
});

test("only where values may be any number can something be added", () => {
  using texts = SharedMap.create<string, string>({ maxBytes });
  texts.set("a", "text");
  // @ts-expect-error values are strings
  refuses("NOT_A_COUNTER", () => texts.add("a"));
  // @ts-expect-error values are strings
  refuses("NOT_A_COUNTER", () => texts.counter("a"));
  using bigints = SharedMap.create<string, bigint>({ maxBytes });
  bigints.set("a", 1n);
  // @ts-expect-error a bigint is no counter
  refuses("NOT_A_COUNTER", () => bigints.add("a"));
  using digits = SharedMap.create<string, 1 | 2>({ maxBytes });
  // @ts-expect-error 2 + 1 is neither 1 nor 2
  assert.equal(digits.set("a", 2).add("a"), 3);
  using numbers = SharedMap.create<string, number>({ maxBytes });
  assert.equal(numbers.add("a"), 1);
  using mixed = SharedMap.create<string, number | string>({ maxBytes });
  assert.equal(mixed.set("b", "text").counter("a").add(2), 2);
  using untold = SharedMap.create<string, unknown>({ maxBytes });
  assert.equal(untold.counter("a").add(), 1);
});
