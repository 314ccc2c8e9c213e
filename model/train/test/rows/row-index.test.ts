/** The row numbers against the definition of a sliding window, written as loops over coordinates. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { elementCount } from "@cupel/base";
import fc from "fast-check";
import { extentOf, type Window } from "../../src/gradient/window.ts";
import { adjointRows, scatterRows, windowRows } from "../../src/rows/row-index.ts";

const seed = 1;

const axis = fc
  .record({
    size: fc.integer({ min: 1, max: 6 }),
    kernel: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    begin: fc.integer({ min: 0, max: 2 }),
    end: fc.integer({ min: 0, max: 2 }),
  })
  .filter(({ size, kernel, dilation, begin, end }) => size + begin + end > (kernel - 1) * dilation);

const window: fc.Arbitrary<Window> = fc.array(axis, { minLength: 1, maxLength: 3 }).map((axes) => {
  const kernel = axes.map((each) => each.kernel);
  const dilations = axes.map((each) => each.dilation);
  return {
    kernel,
    dilations,
    strides: axes.map((each) => each.stride),
    begins: axes.map((each) => each.begin),
    ends: axes.map((each) => each.end),
    sizes: axes.map((each) => each.size),
    outputs: axes.map(({ size, begin, end, stride }, index) => {
      const room = size + begin + end - extentOf({ kernel, dilations }, index);
      return Math.floor(room / stride) + 1;
    }),
  };
});

const batch = fc.integer({ min: 1, max: 3 });

suite("rows of a window", () => {
  test("an output's row lists the inputs under its taps", () => {
    fc.assert(
      fc.property(window, batch, (window, batch) => {
        const rows = windowRows(window, batch);
        const pairs = pairsOf(window, batch);
        assert.deepEqual(
          [...rows],
          pairs.map((pair) => pair.input ?? batch * elementCount(window.sizes)),
        );
      }),
      { seed },
    );
  });

  test("stride 1: an input's row lists, under each tap, the output that read it there", () => {
    fc.assert(
      fc.property(window, batch, (drawn, batch) => {
        const window = atStrideOne(drawn);
        const rows = adjointRows(window, batch);
        const taps = elementCount(window.kernel);
        const inputs = batch * elementCount(window.sizes);
        const expected = new Array(inputs * taps).fill(batch * elementCount(window.outputs));
        for (const { input, output, tap } of pairsOf(window, batch)) {
          if (input !== null) expected[input * taps + tap] = output;
        }
        assert.deepEqual([...rows], expected);
      }),
      { seed },
    );
  });

  test("an input's row lists each pair of output and tap that read it once, and then padding", () => {
    fc.assert(
      fc.property(window, batch, (window, batch) => {
        const index = scatterRows(window, batch);
        const pairs = pairsOf(window, batch);
        const inputs = batch * elementCount(window.sizes);
        const perRow = index.length / inputs;
        const readers = Array.from({ length: inputs }, (): number[] => []);
        for (const [number, { input }] of pairs.entries()) if (input !== null) readers[input]!.push(number);
        for (const [input, expected] of readers.entries()) {
          const listed = [...index.subarray(input * perRow, (input + 1) * perRow)].filter(
            (pair) => pair !== pairs.length,
          );
          assert.deepEqual(listed, expected);
        }
        // No longer than the most read input needs.
        assert.equal(perRow, Math.max(1, ...readers.map((each) => each.length)));
      }),
      { seed },
    );
  });
});

interface Pair {
  readonly output: number;
  readonly tap: number;
  /** Null in the padding. */
  readonly input: number | null;
}

/** All pairs of an output and a tap, in order: y[at] reads x[at * stride - begin + tap * dilation]. */
function pairsOf(window: Window, batch: number): Pair[] {
  const pairs: Pair[] = [];
  const places = elementCount(window.outputs);
  for (let image = 0; image < batch; image++) {
    for (const [place, at] of coordinates(window.outputs).entries()) {
      for (const [tap, step] of coordinates(window.kernel).entries()) {
        const read = at.map(
          (each, i) => each * window.strides[i]! - window.begins[i]! + step[i]! * window.dilations[i]!,
        );
        const isInside = read.every((each, i) => each >= 0 && each < window.sizes[i]!);
        const inImage = read.reduce((row, each, i) => row * window.sizes[i]! + each, 0);
        const input = isInside ? image * elementCount(window.sizes) + inImage : null;
        pairs.push({ output: image * places + place, tap, input });
      }
    }
  }
  return pairs;
}

/** All of a grid, the last axis fastest. */
function coordinates(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>(
    (heads, size) => heads.flatMap((head) => Array.from({ length: size }, (_, at) => [...head, at])),
    [[]],
  );
}

function atStrideOne(window: Window): Window {
  return {
    ...window,
    strides: window.kernel.map(() => 1),
    outputs: window.sizes.map(
      (size, i) => size + window.begins[i]! + window.ends[i]! - extentOf(window, i) + 1,
    ),
  };
}
