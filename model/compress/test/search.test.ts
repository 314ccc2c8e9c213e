/** Allocation against brute force, and the search with models that are only numbers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Evaluation } from "@cupel/predict";
import fc from "fast-check";
import {
  allocationPath,
  filledUp,
  type Option,
  type Plan,
  type PlannedSize,
} from "../src/search/allocate-bits.ts";
import { choosePoint, type MeasuredPoint } from "../src/search/choose-point.ts";
import { searchBits } from "../src/search/search-bits.ts";
import { meanDivergence } from "../src/search/sensitivity.ts";
import type { WeightBits } from "../src/weights/quantised-weights.ts";
import { refused } from "./support/refused.ts";

const widths: readonly WeightBits[] = [8, 6, 5, 4, 3, 2];

const layer = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 50 })), {
    minLength: 2,
    maxLength: 5,
  })
  .map((points): Option[] => points.map(([bytes, cost], i) => ({ bits: widths[i]!, bytes, cost })));

test("every plan on the path is the cheapest of all plans of its size or smaller", () => {
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 4 }), (all) => {
      const layers = new Map(all.map((options, i) => [`layer ${i}`, options]));
      let plans: { bytes: number; cost: number }[] = [{ bytes: 0, cost: 0 }];
      for (const options of all) {
        plans = plans.flatMap((plan) =>
          options.map(({ bytes, cost }) => ({ bytes: plan.bytes + bytes, cost: plan.cost + cost })),
        );
      }
      for (const { plan, bytes } of allocationPath(layers)) {
        const chosen = [...layers].map(([name, options]) => options.find((o) => o.bits === plan.get(name))!);
        assert.equal(
          chosen.reduce((sum, option) => sum + option.bytes, 0),
          bytes,
        );
        const cost = chosen.reduce((sum, option) => sum + option.cost, 0);
        const best = Math.min(...plans.filter((each) => each.bytes <= bytes).map((each) => each.cost));
        assert.equal(cost, best);
      }
    }),
  );
});

test("the path runs from the cheapest plan to the smallest, one layer a step", () => {
  fc.assert(
    fc.property(fc.array(layer, { minLength: 1, maxLength: 6 }), (all) => {
      const path = allocationPath(new Map(all.map((options, i) => [`layer ${i}`, options])));
      const smallest = all.reduce((sum, options) => sum + Math.min(...options.map((o) => o.bytes)), 0);
      assert.equal(path.at(-1)!.bytes, smallest);
      for (const [i, { plan, bytes }] of path.entries()) {
        if (i === 0) continue;
        assert.ok(bytes < path[i - 1]!.bytes);
        const changed = [...plan].filter(([name, bits]) => path[i - 1]!.plan.get(name) !== bits);
        assert.equal(changed.length, 1);
      }
    }),
  );
});

const byHand = new Map<string, Option[]>([
  [
    "large",
    [
      { bits: 8, bytes: 100, cost: 0 },
      { bits: 4, bytes: 40, cost: 6 },
    ],
  ],
  [
    "small",
    [
      { bits: 8, bytes: 30, cost: 0 },
      { bits: 6, bytes: 20, cost: 0.5 },
      { bits: 4, bytes: 10, cost: 1.2 },
    ],
  ],
]);

describe("a plan that uses up what a step too large left", () => {
  test("takes back small steps before it, by hand", () => {
    const path = allocationPath(byHand);
    assert.deepEqual(
      path.map(({ bytes }) => bytes),
      [130, 120, 110, 50],
    );
    const filled = (bytes: number) => {
      const found = filledUp(path, 3, bytes);
      return [found.bytes, found.plan.get("large"), found.plan.get("small")];
    };
    assert.deepEqual(filled(25), [70, 4, 8]);
    assert.deepEqual(filled(15), [60, 4, 6]);
    assert.deepEqual(filled(9), [50, 4, 4]);
  });

  test("keeps to the bytes, costs no more, and leaves no last step of a layer that fits", () => {
    const left = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(fc.array(layer, { minLength: 1, maxLength: 5 }), left, fc.nat(), (all, more, where) => {
        const layers = new Map(all.map((options, i) => [`layer ${i}`, options]));
        const path = allocationPath(layers);
        const at = where % path.length;
        const { plan, bytes } = filledUp(path, at, more);
        const sum = (of: Plan, what: "bytes" | "cost") =>
          [...layers].reduce(
            (total, [name, each]) => total + each.find(({ bits }) => bits === of.get(name))![what],
            0,
          );
        assert.equal(bytes, sum(plan, "bytes"));
        assert.ok(bytes <= path[at]!.bytes + more);
        assert.ok(sum(plan, "cost") <= sum(path[at]!.plan, "cost"));
        for (const [i, point] of path.entries()) {
          const [name] = [...point.plan].find(([each, bits]) => path[i + 1]?.plan.get(each) !== bits) ?? [];
          const isLast = i < at && name !== undefined && plan.get(name) === path[i + 1]!.plan.get(name);
          if (isLast) assert.ok(point.bytes - path[i + 1]!.bytes > path[at]!.bytes + more - bytes);
        }
      }),
    );
  });
});

test("divergence is the Kullback-Leibler divergence of the softmax, by hand", () => {
  const p = [1 / 4, 3 / 4];
  const q = [1 / 2, 1 / 2];
  const scores = (shares: number[]) => Float32Array.from(shares, (share) => Math.log(share) + 5);
  const expected = p.reduce((sum, share, i) => sum + share * Math.log(share / q[i]!), 0);
  assert.ok(Math.abs(meanDivergence(scores(p), scores(q), 2) - expected) < 1e-6);
  assert.equal(meanDivergence(scores(p), scores(p), 2), 0);
});

const images = 1000;

/** A model that is wrong on the first `wrong` images. */
function evaluation(wrong: number): Evaluation {
  const indices = Array.from({ length: images }, (_, i) => i);
  return {
    indices,
    labels: indices.map(() => 0),
    scores: new Float32Array(images * 2),
    classes: 2,
    classNames: null,
    labelsBy: null,
    predictions: indices.map((i) => (i < wrong ? 1 : 0)),
    top1: 1 - wrong / images,
    top5: null,
    unreadable: [],
  };
}

/** Ten plans of 1000, 900, ... 100 bytes of weights; files are 50 bytes larger. Plan i loses i^2 images. */
const path: readonly PlannedSize[] = Array.from({ length: 10 }, (_, i) => ({
  plan: new Map([["layer", i as WeightBits]]),
  bytes: 1000 - 100 * i,
}));

function search(target: { maxBytes?: number; maxDrop?: number }) {
  let evaluated = 0;
  const done = searchBits(path, {
    target: { maxBytes: target.maxBytes ?? null, maxDrop: target.maxDrop ?? null },
    reference: evaluation(0),
    build(plan: Plan) {
      const i = plan.get("layer")! as number;
      return {
        bytes: 1050 - 100 * i,
        evaluate: async () => {
          evaluated++;
          return evaluation(i * i);
        },
      };
    },
  });
  return done.then((result) => ({ ...result, at: result.plan.get("layer") as number, evaluated }));
}

describe("the search", () => {
  test("for bytes takes the largest plan whose file fits", async () => {
    assert.equal((await search({ maxBytes: 750 })).at, 3);
    assert.equal((await search({ maxBytes: 749 })).at, 4);
    assert.equal((await search({ maxBytes: 5000 })).at, 0);
  });

  test("for a drop takes the smallest plan that keeps within it by one standard error", async () => {
    // i^2 lost of 1000, and i for the standard error: (i^2 + i) / 1000.
    assert.equal((await search({ maxDrop: 0.0301 })).at, 5);
    assert.equal((await search({ maxDrop: 0.0299 })).at, 4);
    assert.equal((await search({ maxDrop: 0 })).at, 0);
    assert.equal((await search({ maxDrop: 1 })).at, 9);
  });

  test("for both satisfies both", async () => {
    const { at } = await search({ maxBytes: 850, maxDrop: 0.0301 });
    assert.equal(at, 5);
    await refused(() => search({ maxBytes: 350, maxDrop: 0.0301 }), "BUDGET_UNREACHABLE", /held-out/);
  });

  test("says how small it gets when that is not small enough", async () => {
    await refused(() => search({ maxBytes: 149 }), "BUDGET_UNREACHABLE", /149.*the file has 150/s);
  });

  test("evaluates no plan twice, and shows a curve from large to small with one point chosen", async () => {
    const { tradeOff, evaluated } = await search({ maxDrop: 0.02 });
    assert.equal(tradeOff.length, evaluated);
    assert.deepEqual(
      tradeOff.map(({ bytes }) => bytes),
      tradeOff.map(({ bytes }) => bytes).sort((a, b) => b - a),
    );
    assert.equal(tradeOff.filter((point) => point.chosen).length, 1);
    assert.deepEqual([tradeOff[0]!.bytes, tradeOff.at(-1)!.bytes], [1050, 150]);
    assert.equal(tradeOff.at(-1)!.loss, 0.081);
  });
});

describe("the choice among measured recipes", () => {
  const point = fc.record({
    bytes: fc.integer({ min: 1, max: 20 }),
    loss: fc.constant(0),
    cautious: fc.integer({ min: 0, max: 20 }).map((share) => share / 100),
  });
  const limit = fc.option(fc.integer({ min: 1, max: 20 }));

  test("it keeps to the target, and none that does is better", () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1 }), limit, limit, (points, maxBytes, percent) => {
        const maxDrop = percent === null ? null : percent / 100;
        const keeps = ({ bytes, cautious }: MeasuredPoint) =>
          bytes <= (maxBytes ?? 20) && cautious <= (maxDrop ?? 1);
        const able = points.filter(keeps);
        if (able.length === 0) {
          assert.throws(() => choosePoint(points, { maxBytes, maxDrop }), { code: "BUDGET_UNREACHABLE" });
          return;
        }
        const chosen = choosePoint(points, { maxBytes, maxDrop });
        assert.ok(keeps(chosen));
        // A size alone asks for accuracy; everything else for a small file.
        const by = maxBytes !== null && maxDrop === null ? "cautious" : "bytes";
        assert.equal(chosen[by], Math.min(...able.map((each) => each[by])));
      }),
    );
  });

  test("a single recipe without a target is taken as it is", () => {
    const only = { bytes: 9, loss: 0.9, cautious: 0.95 };
    assert.equal(choosePoint([only], { maxBytes: null, maxDrop: null }), only);
  });
});

for (const [name, wrongFilled, expected] of [
  ["is taken where it loses no more on held-out images than the plan behind it", 3, 8],
  ["is left where it loses more", 9, 4],
] as const) {
  test(`a plan that uses up what a step left ${name}`, async () => {
    const { plan } = await searchBits(allocationPath(byHand), {
      target: { maxBytes: 75, maxDrop: null },
      reference: evaluation(0),
      build: (each: Plan) => ({
        bytes: [...byHand].reduce(
          (sum, [layer, options]) => sum + options.find(({ bits }) => bits === each.get(layer))!.bytes,
          0,
        ),
        evaluate: async () =>
          evaluation(each.get("large") === 4 && each.get("small") === 8 ? wrongFilled : 5),
      }),
    });
    assert.deepEqual([plan.get("large"), plan.get("small")], [4, expected]);
  });
}
