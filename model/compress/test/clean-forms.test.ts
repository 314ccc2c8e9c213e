/** What exporters write in several nodes becomes one, and never computes anything else: before and after on the engine. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cloneModel, inferShapes, type Model, runPasses, Tensor, type Value } from "@cupel/onnx";
import { cleanPasses } from "../src/stage/clean.ts";
import { Network } from "./support/network.ts";
import { assertSameFunction, feed, operators } from "./support/run.ts";

async function cleaned(model: Model, dims: readonly number[] = [2, 4, 9, 9]): Promise<string[]> {
  const copy = cloneModel(model);
  inferShapes(copy);
  runPasses(copy, cleanPasses, undefined);
  await assertSameFunction(model, copy, feed(dims));
  return operators(copy);
}

const four = (opset = 18) => new Network(["N", 4, 9, 9], 1, opset);

describe("maps per channel fold into the Conv before", () => {
  const cases: Readonly<Record<string, (net: Network, y: Value) => Value>> = {
    "Mul and Add, as Keras exports BatchNormalization": (net, y) =>
      net.node("Add", "shifted", [
        net.node("Mul", "scaled", [y, net.constant("m", [1, 4, 1, 1])]),
        net.constant("a", [1, 4, 1, 1]),
      ]),
    "the constant first, of rank 3": (net, y) => net.node("Mul", "scaled", [net.constant("m", [4, 1, 1]), y]),
    "a number": (net, y) => net.node("Div", "divided", [y, net.scalar("d", 3)]),
    "Sub of the value": (net, y) => net.node("Sub", "turned", [net.constant("s", [1, 4, 1, 1]), y]),
    "Sub from the value": (net, y) => net.node("Sub", "less", [y, net.constant("s", [1, 4, 1, 1])]),
  };
  for (const [name, after] of Object.entries(cases)) {
    test(name, async () => {
      for (const group of [1, 4]) {
        const net = four();
        const model = net.done(after(net, net.conv("conv", net.x, 4, 4, { group, bias: group === 1 })));
        assert.deepEqual(await cleaned(model), ["Conv"]);
      }
    });
  }

  test("but not a map along the width, an image of its own, a division by the value or by zero", async () => {
    for (const [opType, dims, isFirst, middle] of [
      ["Mul", [9], false, 0],
      ["Add", [1, 4, 9, 9], false, 0],
      ["Mul", [2, 1, 1, 1], false, 0],
      ["Div", [1, 4, 1, 1], true, 3],
    ] as const) {
      const net = four();
      const constant = net.constant("c", dims, 1, middle);
      const y = net.conv("conv", net.x, 4, 4);
      const model = net.done(net.node(opType, "y", isFirst ? [constant, y] : [y, constant]));
      assert.deepEqual(operators(cleanedCopy(model)), ["Conv", opType]);
    }
    const net = four();
    const model = net.done(net.node("Div", "y", [net.conv("conv", net.x, 4, 4), net.scalar("zero", 0)]));
    assert.deepEqual(operators(cleanedCopy(model)), ["Conv", "Div"]);
  });
});

function cleanedCopy(model: Model): Model {
  const copy = cloneModel(model);
  inferShapes(copy);
  runPasses(copy, cleanPasses, undefined);
  return copy;
}

describe("parallel linear branches are one Conv", () => {
  const norm = (net: Network, name: string, y: Value) => net.batchNorm(name, y, 4);
  const sum = (net: Network, name: string, a: Value, b: Value) => net.node("Add", name, [a, b]);

  for (const group of [1, 2, 4]) {
    test(`RepVGG: 3 x 3, 1 x 1 and identity, each with BatchNormalization, ${group} groups`, async () => {
      const net = four();
      const wide = norm(net, "n3", net.conv("c3", net.x, 4, 4, { group, bias: false }));
      const small = norm(net, "n1", net.conv("c1", net.x, 4, 4, { group, kernel: 1, bias: false }));
      const both = sum(net, "both", small, wide);
      const model = net.done(net.relu(sum(net, "all", norm(net, "n0", net.x), both)));
      assert.deepEqual(await cleaned(model), ["Conv", "Relu"]);
    });
  }

  test("with a stride, without identity", async () => {
    const net = four();
    const wide = norm(net, "n3", net.conv("c3", net.relu(net.x), 4, 4, { stride: 2 }));
    const small = norm(
      net,
      "n1",
      net.conv("c1", wide.producer!.input(0)!.producer!.input(0)!, 4, 4, { kernel: 1, stride: 2 }),
    );
    assert.deepEqual(await cleaned(net.done(sum(net, "both", wide, small))), ["Relu", "Conv"]);
  });

  test("MobileOne: several of the same size, as Sum", async () => {
    const net = four();
    const [a, b, c] = ["a", "b", "c"].map((name) => net.conv(name, net.x, 4, 4, { group: 4 }));
    const model = net.done(net.node("Sum", "all", [net.node("Sum", "two", [a!, b!]), c!]));
    assert.deepEqual(await cleaned(model), ["Conv"]);
  });

  test("not of two inputs, not past a Relu, not where another node reads a branch, not a plain identity", async () => {
    const net = four();
    const x = net.relu(net.x);
    const branch = net.conv("read", x, 4, 4);
    const parts = [
      sum(net, "inputs", net.conv("c3", x, 4, 4), net.conv("c1", net.x, 4, 4, { kernel: 1 })),
      sum(net, "relu", net.relu(net.conv("d3", x, 4, 4)), net.conv("d1", x, 4, 4, { kernel: 1 })),
      sum(net, "two", branch, net.conv("e1", x, 4, 4, { kernel: 1 })),
      branch,
      sum(net, "plain", net.conv("f3", x, 4, 4), x),
    ];
    const found = await cleaned(net.done(...parts));
    assert.equal(found.filter((opType) => opType === "Conv").length, 7);
    assert.equal(found.filter((opType) => opType === "Add").length, 4);
  });

  test("not where the kernels lie askew or look further apart", async () => {
    for (const odd of [{ pads: [0, 0, 2, 2] }, { pads: [2, 2, 2, 2], dilations: [2, 2] }]) {
      const net = four();
      const weight = net.constant("w", [4, 4, 3, 3]);
      const other = net.node("Conv", "other", [net.x, weight], { kernel_shape: [3, 3], ...odd });
      const model = net.done(sum(net, "y", other, net.conv("c3", net.x, 4, 4)));
      assert.deepEqual(await cleaned(model), ["Conv", "Conv", "Add"]);
    }
  });
});

describe("padding goes into the Conv behind", () => {
  const ends: Readonly<Record<string, (net: Network) => Value>> = {
    "over some axes": (net) =>
      net.node("Pad", "pad", [net.x, net.integers("p", [1, 0, 2, 1]), null, net.integers("a", [2, -1])]),
    "over all axes": (net) => net.node("Pad", "pad", [net.x, net.integers("p", [0, 0, 1, 0, 0, 0, 2, 1])]),
  };
  for (const [name, pad] of Object.entries(ends)) {
    test(name, async () => {
      const net = four();
      const found = await cleaned(net.done(net.conv("conv", pad(net), 4, 4)));
      assert.deepEqual(found, ["Conv"]);
    });
  }

  test("but not of channels, of another number, of less, by reflection, nor before MaxPool", async () => {
    const pads = (net: Network, name: string, values: readonly number[]) => net.integers(name, values);
    const net = four();
    const one = net.scalar("one", 1);
    const all = [0, 0, 1, 1, 0, 0, 1, 1];
    const found = await cleaned(
      net.done(
        net.conv("c1", net.node("Pad", "channels", [net.x, pads(net, "p1", [0, 0, 0, 0, 0, 2, 0, 0])]), 6, 4),
        net.conv("c2", net.node("Pad", "ones", [net.x, pads(net, "p2", all), one]), 4, 4),
        net.conv("c3", net.node("Pad", "less", [net.x, pads(net, "p3", [0, 0, -1, 0, 0, 0, 0, 0])]), 4, 4),
        net.conv("c4", net.node("Pad", "mirror", [net.x, pads(net, "p4", all)], { mode: "reflect" }), 4, 4),
        net.node("MaxPool", "max", [net.node("Pad", "before", [net.x, pads(net, "p5", all)])], {
          kernel_shape: [3, 3],
        }),
      ),
    );
    assert.equal(found.filter((opType) => opType === "Pad").length, 5);
  });

  test("what stays is written out over all axes", () => {
    const net = four();
    const inputs = [net.x, net.integers("p", [1, 2]), net.scalar("one", 1), net.integers("a", [-1])];
    const copy = cleanedCopy(net.done(net.conv("conv", net.node("Pad", "pad", inputs), 4, 4)));
    const pad = [...copy.graph.nodes].find((node) => node.is("Pad"))!;
    assert.deepEqual([...pad.input(1)!.constant!.toNumbers()], [0, 0, 0, 1, 0, 0, 0, 2]);
    assert.equal(pad.input(3), null);
  });
});

test("a mean over height and width becomes GlobalAveragePool, in both operator sets and shapes", async () => {
  for (const keepdims of [0, 1]) {
    const old = four(13);
    const mean = old.node("ReduceMean", "mean", [old.relu(old.x)], { axes: [2, 3], keepdims });
    const expected = ["Relu", "GlobalAveragePool", ...(keepdims ? [] : ["Flatten"])];
    assert.deepEqual(await cleaned(old.done(mean)), expected);
    const net = four(18);
    const axes = net.model.graph.addConstant("axes", Tensor.int64([2], [-1, -2]));
    assert.deepEqual(
      await cleaned(net.done(net.node("ReduceMean", "mean", [net.relu(net.x), axes], { keepdims }))),
      expected,
    );
  }
  const other = four(13);
  const channels = other.node("ReduceMean", "mean", [other.relu(other.x)], { axes: [1], keepdims: 1 });
  assert.deepEqual(await cleaned(other.done(channels)), ["Relu", "ReduceMean"]);
});
