/** What parts of a file are coded with: they come back to the byte, and are as small as their statistics say. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createRandom } from "@cupel/base";
import fc from "fast-check";
import { packSymbols, unpackSymbols } from "../src/emit/pack-symbols.ts";
import { choosePartCoding } from "../src/pack/choose-coding.ts";
import { type CodeBits, encodeCodes } from "../src/pack/code-planes.ts";
import { type Coding, decodePart, encodePart } from "../src/pack/coders.ts";
import { planParts } from "../src/pack/plan-parts.ts";
import { RangeDecoder, RangeEncoder } from "../src/pack/range-coder.ts";
import { SymbolModel } from "../src/pack/symbol-model.ts";

describe("range coder", () => {
  test("bits of any likelihood come back", () => {
    const bit = fc.record({
      bit: fc.nat(1),
      p: fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constantFrom(1, 65535)),
    });
    fc.assert(
      fc.property(fc.array(bit, { maxLength: 800 }), (bits) => {
        const encoder = new RangeEncoder();
        for (const { bit, p } of bits) encoder.code(bit, p);
        const decoder = new RangeDecoder(encoder.finish());
        for (const { bit, p } of bits) assert.equal(decoder.code(0, p), bit);
      }),
      { numRuns: 100 },
    );
  });

  test("a long chain of carries comes back", () => {
    // Zeros of a likely one keep low just under a carry; what follows decides it.
    for (const last of [0, 1]) {
      const bits = [
        ...Array(5000)
          .fill(0)
          .map((_, i) => (i % 997 === 0 ? 0 : 1)),
        last,
        ...Array(50).fill(last),
      ];
      for (const p of [65535, 65000, 40000, 3]) {
        const encoder = new RangeEncoder();
        for (const bit of bits) encoder.code(bit, p);
        const decoder = new RangeDecoder(encoder.finish());
        assert.ok(bits.every((bit) => decoder.code(0, p) === bit));
      }
    }
  });

  // Shannon: n * -(p log p + (1 - p) log (1 - p)) bits, where the coder is told p.
  for (const p of [1, 200, 20_000, 32_768, 65_300]) {
    test(`bits that are 1 in ${p} of 65536 take their entropy, within half a percent and four bytes`, () => {
      const random = createRandom(p);
      const encoder = new RangeEncoder();
      let entropy = 0;
      for (let i = 0; i < 100_000; i++) {
        const bit = random.integer(65536) < p ? 1 : 0;
        entropy -= Math.log2((bit === 1 ? p : 65536 - p) / 65536);
        encoder.code(bit, p);
      }
      const bytes = encoder.finish().length;
      assert.ok(bytes <= 1.005 * (entropy / 8) + 4, `${bytes} against ${entropy / 8}`);
      assert.ok(bytes >= entropy / 8 - 1, `${bytes} against ${entropy / 8}`);
    });
  }
});

test("symbols take the entropy of their own counts and what Krichevsky and Trofimov prove for learning them", () => {
  for (const bits of [2, 4, 8]) {
    for (const spread of [0.02, 0.15, 1]) {
      const random = createRandom(bits);
      const size = 2 ** bits;
      const symbols = Uint8Array.from({ length: 40_000 }, () =>
        Math.max(0, Math.min(size - 1, Math.round(size / 2 + size * spread * random.normal()))),
      );
      const counts = new Map<number, number>();
      for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
      let entropy = 0;
      for (const count of counts.values()) entropy -= count * Math.log2(count / symbols.length);
      const encoder = new RangeEncoder();
      const model = new SymbolModel(bits);
      for (const symbol of symbols) model.code(encoder, symbol);
      const bytes = encoder.finish().length;
      // A node that is visited n times costs at most log2(n) / 2 + 1 bits of learning.
      const learning = Math.min(size - 1, counts.size * bits) * (Math.log2(symbols.length) / 2 + 1);
      assert.ok(
        bytes <= 1.005 * (entropy / 8) + learning / 8 + 8,
        `${bits} bits: ${bytes} against ${entropy / 8}`,
      );
      assert.ok(bytes >= entropy / 8 - 8);
    }
  }
});

test("every coder gives back what it was given", () => {
  const bits: readonly CodeBits[] = [2, 3, 4, 5, 6, 8];
  const coding = fc.oneof(
    fc.constantFrom<Coding>({ coder: "stored" }, { coder: "brotli" }),
    fc.record({
      coder: fc.constant("codes" as const),
      bits: fc.constantFrom(...bits),
      isSigned: fc.boolean(),
      side: fc.constantFrom(1, 2, 3, 7),
    }),
    fc.record({
      coder: fc.constant("numbers" as const),
      planes: fc.array(fc.constantFrom("stored" as const, "alone" as const, "above" as const), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
  );
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 400 }),
    fc.uint8Array({ minLength: 1, maxLength: 400, max: 3 }),
  );
  fc.assert(
    fc.property(coding, bytes, fc.nat(400), (coding, bytes, split) => {
      const first = Math.min(split, bytes.length);
      const parts = [first, bytes.length - first];
      const coded = encodePart(bytes, parts, coding);
      if (coded !== null)
        assert.deepEqual(Buffer.from(decodePart(coded, bytes.length, parts, coding)), Buffer.from(bytes));
    }),
    { numRuns: 300 },
  );
});

test("planes are joined to the codes they were made of, for every width", () => {
  const widths = [2, 3, 4, 5, 6] as const;
  fc.assert(
    fc.property(fc.constantFrom(...widths), fc.uint8Array({ maxLength: 100 }), (bits, any) => {
      const codes = any.map((code) => code & (2 ** bits - 1));
      assert.deepEqual(unpackSymbols(packSymbols(codes, bits), bits).slice(0, codes.length), codes);
    }),
  );
});

test("a smooth kernel is smaller with its neighbours, and the coder finds the width of the codes and the kernel", () => {
  const random = createRandom(9);
  const codes = new Uint8Array(9 * 4000);
  for (let kernel = 0; kernel < codes.length; kernel += 9) {
    const middle = 7.5 + 3 * random.normal();
    for (let i = 0; i < 9; i++)
      codes[kernel + i] = Math.max(0, Math.min(15, Math.round(middle + random.normal())));
  }
  const { low } = packSymbols(codes, 4);
  const elements = { kind: "codes", bits: [2, 4, 8], isSigned: false, sides: [1, 3, 5] } as const;
  const { coding, coded } = choosePartCoding(low, [low.length], elements);
  assert.deepEqual(coding, { coder: "codes", bits: 4, isSigned: false, side: 3 });
  assert.ok(
    coded.length < 0.9 * encodeCodes(codes, { coder: "codes", bits: 4, isSigned: false, side: 1 }).length,
  );
});

test("parts cover every byte of a file once, whatever tensors are said to lie in it", () => {
  const place = fc.record({
    name: fc.constantFrom("a.p", "a.h", "b.s", "c", ""),
    type: fc.constantFrom(1, 2, 3, 8, 14, 22, 99),
    dims: fc.constant([]),
    start: fc.nat(2000),
    length: fc.nat(900),
  });
  fc.assert(
    fc.property(fc.nat(2000), fc.array(place, { maxLength: 12 }), (size, places) => {
      const seen = new Uint8Array(size);
      let first = -1;
      for (const { extents } of planParts(size, places)) {
        assert.ok(extents[0]!.start > first);
        first = extents[0]!.start;
        for (const { start, length } of extents) for (let i = 0; i < length; i++) seen[start + i]!++;
      }
      assert.ok(seen.every((count) => count === 1));
    }),
  );
});
