import assert from "node:assert/strict";
import { test } from "node:test";
import { type Attribute, attribute, Graph, outputChannels, Value, weightLayout } from "../src/index.ts";

function layoutOf(
  opType: string,
  dims: readonly number[],
  attributes: Readonly<Record<string, Attribute>> = {},
) {
  const graph = new Graph("g");
  const inputs = [graph.add(new Value("x")), graph.add(new Value("w"))];
  return weightLayout(graph.append({ opType, inputs, attributes }), dims);
}

test("channels, groups and kernel are read off a weight as the operator lays it out", () => {
  const group = { group: attribute.int(2) };
  assert.deepEqual(layoutOf("Conv", [6, 2, 3, 5], group), {
    outputs: 6,
    inputs: 4,
    groups: 2,
    kernel: [3, 5],
    outputAxis: 0,
  });
  assert.deepEqual(layoutOf("ConvTranspose", [4, 3, 5], group), {
    outputs: 6,
    inputs: 4,
    groups: 2,
    kernel: [5],
    outputAxis: 1,
  });
  const dense = (outputAxis: 0 | 1) => ({ outputs: 7, inputs: 3, groups: 1, kernel: [], outputAxis });
  assert.deepEqual(layoutOf("Gemm", [3, 7]), dense(1));
  assert.deepEqual(layoutOf("Gemm", [7, 3], { transB: attribute.int(1) }), dense(0));
  assert.deepEqual(layoutOf("MatMul", [3, 7]), dense(1));
  assert.equal(layoutOf("MatMul", [2, 3, 7]), null);
  assert.equal(layoutOf("Add", [3, 7]), null);
});

test("every element of a weight belongs to the output channel that its place says", () => {
  // [first axis, second axis, taps]; the definitions of the operators, spelled out.
  const cases = [
    { opType: "Conv", dims: [6, 2, 4], channel: (first: number) => first },
    // The second half of the inputs makes the second half of the outputs.
    {
      opType: "ConvTranspose",
      dims: [4, 3, 5],
      channel: (first: number, second: number) => (first < 2 ? 0 : 3) + second,
    },
    { opType: "MatMul", dims: [3, 7], channel: (_: number, second: number) => second },
  ];
  for (const { opType, dims, channel } of cases) {
    const layout = layoutOf(opType, dims, opType === "MatMul" ? {} : { group: attribute.int(2) });
    const found = outputChannels(layout!);
    const [rows = 0, columns = 0, taps = 1] = dims;
    let i = 0;
    for (let first = 0; first < rows; first++) {
      for (let second = 0; second < columns; second++) {
        for (let tap = 0; tap < taps; tap++) assert.equal(found(i++), channel(first, second), opType);
      }
    }
  }
});
