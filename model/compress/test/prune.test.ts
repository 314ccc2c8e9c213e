/** Pruning: what goes together, and that a network without channels computes what it does with them at zero. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Model, runPasses, type Value } from "@cupel/onnx";
import { unshareConstants } from "../src/clean/unshare-constants.ts";
import { channelGroups, describeChannel } from "../src/prune/channel-groups.ts";
import { Network } from "./support/network.ts";
import { assertRemovable, block } from "./support/removable.ts";

const weightsOf = (model: Model) =>
  [...model.graph.initializers].reduce((sum, { constant }) => sum + (constant?.size ?? 0), 0);

/** What a network ends in: the scores of its channels. */
interface Topology {
  readonly build: (net: Network) => Value | Value[];
  readonly readers?: boolean;
  /** Channels that removing takes along, as they are told: by the name of a group. */
  readonly tells?: Readonly<Record<string, string>>;
}

const topologies: Readonly<Record<string, Topology>> = {
  plain: {
    build: (net) => net.head(block(net, "second", block(net, "first", net.x, 3, 8), 8, 6), 6),
    tells: { first: "channel 0 of first removes channel 0 of first.bn, input 0 of second" },
  },
  residual: {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 8);
      const second = net.conv("second", block(net, "inner", first, 8, 5), 5, 8);
      return net.head(net.relu(net.node("Add", "sum", [second, first])), 8);
    },
    tells: {
      first:
        "channel 0 of first removes channel 0 of first.bn, input 0 of inner, channel 0 of second, input 0 of scores",
    },
  },
  concat: {
    build: (net) => {
      const parts = [block(net, "a", net.x, 3, 4), block(net, "b", net.x, 3, 6)];
      return net.head(net.conv("last", net.node("Concat", "joined", parts, { axis: 1 }), 10, 6), 6);
    },
    tells: { b: "channel 0 of b removes channel 0 of b.bn, input 4 of last" },
  },
  "cascaded concat": {
    build: (net) => {
      const a = block(net, "a", net.x, 3, 4);
      const two = net.node("Concat", "two", [a, block(net, "b", a, 4, 5)], { axis: 1 });
      const three = net.node("Concat", "three", [two, block(net, "c", two, 9, 3)], { axis: 1 });
      const four = net.node("Concat", "four", [three, block(net, "d", three, 12, 2)], { axis: -3 });
      return net.head(four, 14);
    },
    tells: { b: "channel 0 of b removes channel 0 of b.bn, input 4 of c, input 4 of d, input 4 of scores" },
  },
  split: {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 12);
      const sizes = net.integers("sizes", [4, 8]);
      const [a, b] = net.split("parts", first, sizes);
      const sum = net.node("Add", "sum", [net.conv("left", a!, 4, 6), net.conv("right", b!, 8, 6)]);
      return net.head(sum, 6);
    },
    tells: {
      first: "channel 0 of first removes channel 0 of first.bn, input 0 of left",
      "first (2)": "channel 4 of first removes channel 4 of first.bn, input 0 of right",
    },
  },
  "depthwise separable": {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 8);
      const depthwise = block(net, "depthwise", first, 8, 8, { group: 8 });
      return net.head(block(net, "point", depthwise, 8, 6, { kernel: 1 }), 6);
    },
    tells: {
      first:
        "channel 0 of first removes channel 0 of first.bn, channel 0 of depthwise, channel 0 of depthwise.bn, input 0 of point",
    },
  },
  "depthwise with two channels each": {
    build: (net) => {
      const wide = net.conv("wide", block(net, "first", net.x, 3, 4), 4, 8, { group: 4 });
      return net.head(net.relu(wide), 8);
    },
  },
  "squeeze and excite": {
    build: (net) => {
      const x = net.conv("body", block(net, "first", net.x, 3, 8), 8, 8);
      const squeezed = net.node("GlobalAveragePool", "squeeze", [x]);
      const inner = net.relu(net.conv("down", squeezed, 8, 4, { kernel: 1 }));
      const gate = net.node("Sigmoid", "gate", [net.conv("up", inner, 4, 8, { kernel: 1 })]);
      return net.head(net.node("Mul", "scaled", [x, gate]), 8);
    },
    tells: { body: "channel 0 of body removes input 0 of down, channel 0 of up, input 0 of scores" },
  },
  "flatten and dense": {
    build: (net) => {
      const pooled = net.node("MaxPool", "pool", [block(net, "first", net.x, 3, 6)], {
        kernel_shape: [4, 4],
        strides: [4, 4],
      });
      return net.gemm("scores", net.node("Flatten", "flat", [pooled]), 24, 4);
    },
    tells: { first: "channel 0 of first removes channel 0 of first.bn, inputs 0 to 3 of scores" },
  },
  "reshape and product": {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 6);
      const flat = net.node("Reshape", "flat", [first, net.integers("shape", [0, 6, -1])]);
      const turned = net.node("Transpose", "turned", [flat], { perm: [0, 2, 1] });
      const product = net.node("MatMul", "product", [turned, net.constant("w", [6, 5])]);
      const biased = net.node("Add", "biased", [product, net.constant("b", [5])]);
      return net.node("MatMul", "scores", [net.relu(biased), net.constant("v", [5, 3])]);
    },
    tells: { product: "channel 0 of product removes channel 0 of biased, input 0 of scores" },
  },
  "grouped convolution, few groups": {
    build: (net) =>
      net.head(net.relu(net.conv("grouped", block(net, "first", net.x, 3, 8), 8, 12, { group: 2 })), 12),
    tells: { first: "channels 0, 4 of first removes channels 0, 4 of first.bn, input 0 of grouped" },
  },
  "grouped convolution, many groups": {
    build: (net) =>
      net.head(net.relu(net.conv("grouped", block(net, "first", net.x, 3, 8), 8, 12, { group: 4 })), 12),
  },
  "transposed convolutions": {
    build: (net) => {
      const up = net.relu(
        net.conv("up", block(net, "first", net.x, 3, 8), 8, 6, { opType: "ConvTranspose" }),
      );
      const grouped = net.conv("grouped", up, 6, 8, { opType: "ConvTranspose", group: 2 });
      return net.head(net.conv("own", grouped, 8, 8, { opType: "ConvTranspose", group: 8 }), 8);
    },
  },
  "two outputs": {
    build: (net) => {
      const trunk = block(net, "trunk", net.x, 3, 8);
      const mask = net.node("Sigmoid", "mask", [net.conv("masked", block(net, "side", trunk, 8, 4), 4, 2)]);
      return [net.head(trunk, 8), mask];
    },
  },
  "shared weights": {
    build: (net) => {
      const weight = net.constant("shared", [8, 8, 1, 1], 0.4);
      const first = block(net, "first", net.x, 3, 8);
      const once = net.relu(net.node("Conv", "once", [first, weight], { kernel_shape: [1, 1] }));
      const twice = net.relu(net.node("Conv", "twice", [once, weight], { kernel_shape: [1, 1] }));
      return net.head(twice, 8);
    },
  },
  "resnet-cifar shortcut without parameters": {
    build: (net) => {
      let x = block(net, "stem", net.x, 3, 4);
      for (const [stage, to] of [8, 16].entries()) {
        const name = `stage${stage}`;
        const inner = block(net, `${name}.a`, x, to / 2, to, { stride: 2 });
        const body = net.conv(`${name}.b`, inner, to, to);
        const thin = net.node("Slice", `${name}.thin`, [
          x,
          net.integers(`${name}.from`, [0, 0]),
          net.integers(`${name}.to`, [9999, 9999]),
          net.integers(`${name}.axes`, [2, 3]),
          net.integers(`${name}.by`, [2, 2]),
        ]);
        const pads = net.integers(`${name}.pads`, [0, to / 4, 0, 0, 0, to / 4, 0, 0]);
        const shortcut = net.node("Pad", `${name}.pad`, [thin, pads]);
        x = net.relu(net.node("Add", `${name}.sum`, [body, shortcut]));
      }
      return net.head(x, 16);
    },
    tells: {
      stem: "channel 0 of stem removes channel 0 of stem.bn, input 0 of stage0.a, channel 2 of stage0.b, input 2 of stage1.a, channel 6 of stage1.b, input 6 of scores",
    },
  },
  "channel shuffle": {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 12);
      const apart = net.node("Reshape", "apart", [first, net.integers("s1", [0, 2, 6, 8, 8])]);
      const turned = net.node("Transpose", "turned", [apart], { perm: [0, 2, 1, 3, 4] });
      const shuffled = net.node("Reshape", "shuffled", [turned, net.integers("s2", [0, 12, 8, 8])]);
      return net.head(net.conv("last", shuffled, 12, 6), 6);
    },
    tells: { first: "channels 0, 6 of first removes channels 0, 6 of first.bn, inputs 0, 1 of last" },
  },
  "pixel shuffle": {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 16);
      const column = net.node("DepthToSpace", "column", [first], { blocksize: 2, mode: "CRD" });
      const wide = net.conv("wide", column, 4, 12);
      const depth = net.node("DepthToSpace", "depth", [net.relu(wide)], { blocksize: 2 });
      return net.head(
        net.conv("last", net.node("SpaceToDepth", "space", [depth], { blocksize: 2 }), 12, 6),
        6,
      );
    },
    tells: { first: "channels 0 to 3 of first removes channels 0 to 3 of first.bn, input 0 of wide" },
  },
  "slices, gathers and a slope a channel": {
    build: (net) => {
      const first = net.conv("first", net.x, 3, 10);
      const bent = net.node("PRelu", "bent", [first, net.constant("slope", [10, 1, 1])]);
      const part = net.node("Slice", "part", [
        bent,
        net.integers("from", [-7]),
        net.integers("to", [9]),
        net.integers("axes", [1]),
      ]);
      const order = net.node("Gather", "order", [part, net.integers("indices", [5, 0, -2, 3])], { axis: 1 });
      return net.head(net.conv("last", order, 4, 6), 6);
    },
  },
  "resized, normalised and scaled": {
    build: (net) => {
      const first = net.conv("first", net.x, 3, 6);
      const sizes = net.integers("resize.sizes", [2, 6, 16, 16]);
      const large = net.node("Resize", "large", [first, null, null, sizes], { mode: "nearest" });
      const normal = net.node("InstanceNormalization", "normal", [
        large,
        net.constant("g", [6]),
        net.constant("h", [6]),
      ]);
      const scaled = net.node("Mul", "scaled", [normal, net.constant("scale", [1, 6, 1, 1])]);
      const mean = net.node("ReduceMean", "mean", [scaled], { axes: [2, 3], keepdims: 0 });
      return net.gemm("scores", mean, 6, 4, 0);
    },
  },
  "shapes that are computed": {
    build: (net) => {
      const first = block(net, "first", net.x, 3, 6);
      const sizes = net.node("Shape", "sizes", [first]);
      const front = net.node("Slice", "front", [sizes, net.integers("f0", [0]), net.integers("f1", [2])]);
      const wanted = net.node("Concat", "wanted", [front, net.integers("rest", [-1])], { axis: 0 });
      const flat = net.node("Reshape", "flat", [first, wanted]);
      const count = net.node("Gather", "count", [sizes, net.integers("g", [0])]);
      const dense = net.node("Concat", "dense", [count, net.integers("all", [-1])], { axis: 0 });
      return net.gemm("scores", net.node("Reshape", "flatter", [flat, dense]), 384, 4);
    },
    tells: { first: "channel 0 of first removes channel 0 of first.bn, inputs 0 to 63 of scores" },
  },
  "an offset for each channel behind": {
    readers: true,
    build: (net) => {
      const soft = net.node("Sigmoid", "soft", [net.conv("first", net.x, 3, 8)]);
      const moved = net.node("Sub", "moved", [soft, net.constant("offset", [8, 1, 1])]);
      return net.head(net.conv("last", moved, 8, 6), 6);
    },
  },
};

const built = Object.entries(topologies).map(([name, { build, ...rest }]) => {
  const net = new Network([2, 3, 8, 8]);
  const made = build(net);
  return { name, model: net.done(...(Array.isArray(made) ? made : [made])), ...rest };
});

test("removing channels is zeroing them, in every topology", async () => {
  const cases = [1, 2].flatMap((seed) => built.map((each) => ({ ...each, seed })));
  const pruned = await assertRemovable(cases);
  for (const [i, { name, model }] of cases.entries()) {
    assert.ok(weightsOf(pruned[i]!) < weightsOf(model), `${name} is smaller`);
  }
});

describe("what goes with a channel is told", () => {
  for (const { name, model, tells = {} } of built) {
    for (const [group, sentence] of Object.entries(tells)) {
      test(`${name}: ${group}`, () => {
        const groups = channelGroups(model);
        const found = groups.groups.find((each) => each.name === group);
        assert.ok(found, `a group ${group} in ${groups.groups.map((each) => each.name)}`);
        assert.equal(describeChannel(groups, found.channels[0]!), `removing ${sentence}`);
      });
    }
  }
});

test("a shape that is computed and may hold zeros is written anew", async () => {
  const net = new Network(["N", 3, 8, 8], 1, 15);
  const first = block(net, "first", net.x, 3, 6);
  const pooled = net.node("GlobalAveragePool", "pooled", [first]);
  const images = net.node("Shape", "images", [first], { end: 1 });
  const wanted = net.node("Concat", "wanted", [images, net.integers("width", [6])], { axis: 0 });
  const flat = net.node("Reshape", "flat", [pooled, wanted], { allowzero: 1 });
  const model = net.done(net.gemm("scores", flat, 6, 4));
  assert.deepEqual(
    channelGroups(model).groups.map(({ channels }) => channels.length),
    [6],
  );
  await assertRemovable([{ name: "allowzero", model, seed: 1 }]);
});

test("vectors that are equal and written once do not tie channels together", () => {
  const net = new Network([2, 3, 8, 8]);
  const offset = net.constant("offset", [8, 1, 1]);
  const parts = ["left", "right"].map((name) => {
    const x = net.node("Add", `${name}.moved`, [net.conv(name, net.x, 3, 8), offset]);
    return net.conv(`${name}.last`, x, 8, 6);
  });
  const model = net.done(...parts);
  const names = () => channelGroups(model).groups.map(({ layers }) => layers.join());
  assert.deepEqual(names(), ["left,right"]);
  runPasses(model, [unshareConstants]);
  assert.deepEqual(names(), ["left", "right"]);
});

const mixing: Readonly<Record<string, (net: Network, x: Value) => Value>> = {
  Shape: (net, x) => {
    const count = net.node("Cast", "count", [net.node("Shape", "mix", [x])], { to: 1 });
    const sum = net.node("ReduceSum", "sum", [count], { keepdims: 0 });
    return net.node("Mul", "scaled", [x, sum]);
  },
  Softmax: (net, x) => net.node("Softmax", "mix", [x], { axis: 1 }),
  ReduceMax: (net, x) =>
    net.node("Mul", "use", [x, net.node("ReduceMax", "mix", [x], { axes: [1], keepdims: 1 })]),
  LRN: (net, x) => net.node("LRN", "mix", [x], { size: 3 }),
  CumSum: (net, x) => net.node("CumSum", "mix", [x, net.integer("axis", 1)]),
  Slice: (net, x) =>
    net.node(
      "Concat",
      "all",
      [
        ...[0, 1].map((from) =>
          net.node("Slice", from === 0 ? "mix" : "odd", [
            x,
            ...[from, 8, 1, 2].map((value, i) => net.integers(`s${from}${i}`, [value])),
          ]),
        ),
      ],
      { axis: 1 },
    ),
};

describe("what mixes channels keeps them, and is named", () => {
  for (const [opType, mix] of Object.entries(mixing)) {
    test(opType, () => {
      const net = new Network([2, 3, 8, 8]);
      const mixed = mix(net, net.conv("first", net.x, 3, 8));
      const model = net.done(net.head(net.conv("last", mixed, 8, 4), 4));
      const { groups, refusals } = channelGroups(model);
      assert.deepEqual(
        groups.map(({ name }) => name),
        ["last"],
      );
      assert.ok(
        refusals.some(({ node, channels }) => node === `${opType} "mix"` && channels === 8),
        JSON.stringify(refusals),
      );
    });
  }

  test("outputs of the model keep theirs", () => {
    const net = new Network([2, 3, 8, 8]);
    const { groups, refusals } = channelGroups(net.done(net.conv("only", net.x, 3, 8)));
    assert.deepEqual([groups, refusals], [[], []]);
  });
});
