/** Pruning networks made of pieces by chance: removing channels is zeroing them. */
import { test } from "node:test";
import type { Value } from "@cupel/onnx";
import fc from "fast-check";
import { Network } from "./support/network.ts";
import { assertRemovable, block } from "./support/removable.ts";

/** A piece of a network: from a value with so many channels to another. */
type Piece = (net: Network, name: string, x: Value, width: number) => readonly [Value, number];

const pieces: Readonly<Record<string, Piece>> = {
  conv: (net, name, x, width) => [block(net, name, x, width, 8), 8],
  residual: (net, name, x, width) => {
    const inner = net.conv(`${name}.2`, block(net, name, x, width, 6), 6, width);
    return [net.relu(net.node("Add", `${name}.sum`, [x, inner])), width];
  },
  dense: (net, name, x, width) => [
    net.node("Concat", `${name}.all`, [x, block(net, name, x, width, 4)], { axis: 1 }),
    width + 4,
  ],
  depthwise: (net, name, x, width) => [block(net, name, x, width, width, { group: width }), width],
  grouped: (net, name, x, width) => [net.relu(net.conv(name, x, width, width, { group: width / 2 })), width],
  gated: (net, name, x, width) => {
    const pooled = net.node("GlobalAveragePool", `${name}.pool`, [x]);
    const gate = net.node("Sigmoid", `${name}.gate`, [net.conv(name, pooled, width, width, { kernel: 1 })]);
    return [net.node("Mul", `${name}.gated`, [x, gate]), width];
  },
  crossed: (net, name, x, width) => {
    const [a, b] = net.split(name, x, net.integers(`${name}.sizes`, [2, width - 2]));
    return [net.node("Concat", `${name}.crossed`, [b!, net.conv(`${name}.b`, a!, 2, 2)], { axis: 1 }), width];
  },
  shuffled: (net, name, x, width) => {
    const apart = net.node("Reshape", `${name}.apart`, [x, net.integers(`${name}.s`, [0, 2, width / 2, 64])]);
    const turned = net.node("Transpose", `${name}.turned`, [apart], { perm: [0, 2, 1, 3] });
    return [
      net.node("Reshape", `${name}.back`, [turned, net.integers(`${name}.t`, [0, width, 8, 8])]),
      width,
    ];
  },
};

test("whatever these pieces make, removing is zeroing", async () => {
  const network = fc.record({
    names: fc.array(fc.constantFrom(...Object.keys(pieces)), { minLength: 1, maxLength: 6 }),
    seed: fc.integer({ min: 1, max: 1000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(network, { minLength: 1, maxLength: 10 }), async (networks) => {
      const cases = networks.map(({ names, seed }) => {
        const net = new Network([2, 3, 8, 8], seed);
        let [x, width]: readonly [Value, number] = [block(net, "stem", net.x, 3, 8), 8];
        for (const [i, name] of names.entries()) [x, width] = pieces[name]!(net, `${name}${i}`, x, width);
        return { name: names.join(", "), model: net.done(net.head(x, width)), seed };
      });
      await assertRemovable(cases);
    }),
    { numRuns: process.env.CUPEL_LONG_TESTS ? 50 : 5, seed: 19 },
  );
});
