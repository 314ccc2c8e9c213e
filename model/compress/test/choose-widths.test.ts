/** The path of widths against brute force, and the point on it that keeps to a limit. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  costOf,
  firstWithin,
  type GroupOptions,
  type LimitedCost,
  widthPath,
  withStepsBetween,
} from "../src/search/choose-widths.ts";

const group = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 })
  .map((harms): GroupOptions => {
    const narrower = harms.map((_, i) => ({
      width: harms.length - i,
      harm: harms.slice(0, i + 1).reduce((sum, more) => sum + more, 0),
    }));
    return [{ width: harms.length + 1, harm: 0 }, ...narrower];
  });

/** Each group's cost by its width, of a table; and of pairs of neighbours their product, as a layer's is. */
const tables = fc.array(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 6, maxLength: 6 }), {
  minLength: 4,
  maxLength: 4,
});

const byTable = (count: number, table: readonly (readonly number[])[], limit: number): LimitedCost => ({
  fixed: 7,
  limit,
  terms: Array.from({ length: count }, (_, i) => ({ groups: [i], at: (kept) => table[i]![kept[i]!]! })),
});

const byPairs = (count: number, limit: number): LimitedCost => ({
  fixed: 1,
  limit,
  terms: Array.from({ length: count - 1 }, (_, i) => ({
    groups: [i, i + 1],
    at: (kept) => 3 + kept[i]! * kept[i + 1]! + kept[i]!,
  })),
});

/** Every way to choose, with its harm. */
function everyChoice(groups: readonly GroupOptions[]): { kept: number[]; harm: number }[] {
  return groups.reduce<{ kept: number[]; harm: number }[]>(
    (found, choices) =>
      found.flatMap(({ kept, harm }) =>
        choices.map((each) => ({ kept: [...kept, each.width], harm: harm + each.harm })),
      ),
    [{ kept: [], harm: 0 }],
  );
}

describe("the path of widths", () => {
  const groups = fc.array(group, { minLength: 1, maxLength: 4 });

  test("where groups cost by themselves, does the least harm of all networks that cost as little", () => {
    fc.assert(
      fc.property(groups, tables, (each, table) => {
        const cost = byTable(each.length, table, Number.POSITIVE_INFINITY);
        const all = everyChoice(each).map(({ kept, harm }) => ({ harm, cost: costOf(cost, kept) }));
        const path = widthPath(each, [cost]);
        for (const { kept, harm, costs } of path) {
          assert.ok(Math.abs(costs[0]! - costOf(cost, kept)) < 1e-9);
          const least = Math.min(
            ...all.filter((other) => other.cost <= costs[0]! + 1e-9).map((other) => other.harm),
          );
          assert.ok(harm <= least + 1e-9, `${harm} where ${least} would do`);
        }
        assert.equal(path.at(-1)!.costs[0], Math.min(...all.map((other) => other.cost)));
      }),
    );
  });

  test("where layers cost by what they read and make, does little more harm than the best of all", () => {
    const shares: number[] = [];
    fc.assert(
      fc.property(
        fc.array(group, { minLength: 2, maxLength: 4 }),
        fc.double({ min: 0.3, max: 1, noNaN: true }),
        (each, part) => {
          const all = everyChoice(each);
          const free = byPairs(each.length, 0);
          const dearest = costOf(
            free,
            each.map(([full]) => full.width),
          );
          const limit = part * dearest;
          const able = all.filter(({ kept }) => costOf(free, kept) <= limit);
          const found = widthPath(each, [{ ...free, limit }]).find(({ costs }) => costs[0]! <= limit);
          assert.equal(found === undefined, able.length === 0);
          if (!found) return;
          assert.ok(Math.abs(found.costs[0]! - costOf(free, found.kept)) < 1e-9);
          const best = Math.min(...able.map(({ harm }) => harm));
          const most = Math.max(...all.map(({ harm }) => harm));
          assert.ok(found.harm >= best - 1e-9);
          if (most > 0) shares.push((found.harm - best) / most);
        },
      ),
      { numRuns: 300, seed: 4 },
    );
    const mean = shares.reduce((sum, each) => sum + each, 0) / shares.length;
    assert.ok(mean < 0.08, `${mean} of the most harm above the best`);
  });

  test("with the steps between costs less and harms more from point to point, and no jump is left", () => {
    fc.assert(
      fc.property(groups, tables, (each, table) => {
        const cost = byTable(each.length, table, Number.POSITIVE_INFINITY);
        const path = widthPath(each, [cost]);
        const steps = withStepsBetween(path, each, [cost]);
        assert.ok(path.every((point) => steps.includes(point)));
        for (const [i, { kept, harm, costs }] of steps.entries()) {
          assert.equal(costs[0], costOf(cost, kept));
          const sum = kept.reduce((all, width, g) => all + each[g]!.find((o) => o.width === width)!.harm, 0);
          assert.equal(harm, sum);
          if (i > 0) assert.ok(costs[0]! <= steps[i - 1]!.costs[0]! && harm >= steps[i - 1]!.harm);
        }
      }),
    );
    const wide: GroupOptions = [
      { width: 4, harm: 0 },
      { width: 3, harm: 2 },
      { width: 2, harm: 3 },
      { width: 1, harm: 3 },
    ];
    const cost = byTable(1, [[0, 1, 2, 3, 4]], 0);
    const path = widthPath([wide], [cost]);
    assert.deepEqual(
      path.map(({ kept }) => kept[0]),
      [4, 1],
    );
    assert.deepEqual(
      withStepsBetween(path, [wide], [cost]).map(({ kept }) => kept[0]),
      [4, 3, 2, 1],
    );
  });

  test("goes by what is still above its limit, and by all once nothing is", () => {
    const each: GroupOptions[] = [0, 1].map(() => [
      { width: 2, harm: 0 },
      { width: 1, harm: 1 },
    ]);
    // The first group is all of the time, the second all of the bytes.
    const alone = (group: number, limit: number): LimitedCost => ({
      fixed: 0,
      limit,
      terms: [{ groups: [group], at: (kept) => kept[group]! }],
    });
    const order = (time: number, bytes: number) =>
      widthPath(each, [alone(0, time), alone(1, bytes)]).map(({ kept }) => kept.join());
    assert.deepEqual(order(1, 2), ["2,2", "1,2", "1,1"]);
    assert.deepEqual(order(2, 1), ["2,2", "2,1", "1,1"]);
  });
});

describe("the first point within a limit by measure", () => {
  const falling = fc
    .array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })
    .map((steps) => steps.map((_, i) => steps.slice(i).reduce((sum, each) => sum + each, 0)));

  test("is found, to the slack, where predictions are off by a factor and a bend", async () => {
    await fc.assert(
      fc.asyncProperty(
        falling,
        fc.double({ min: 0.2, max: 5, noNaN: true }),
        fc.double({ min: 0.8, max: 1.25, noNaN: true }),
        fc.double({ min: 0.02, max: 1.2, noNaN: true }),
        async (predicted, factor, bend, part) => {
          const real = predicted.map((each) => factor * each ** bend);
          const limit = part * real[0]!;
          const seen: number[] = [];
          const measure = async (at: number) => {
            assert.ok(!seen.includes(at), "nothing is measured twice");
            seen.push(at);
            return real[at]!;
          };
          const found = await firstWithin(predicted, limit, measure, { rounds: 60, slack: 0.03 });
          const first = real.findIndex((each) => each <= limit);
          if (first < 0) return assert.equal(found, null);
          assert.ok(found!.measured <= limit);
          assert.ok(found!.at === first || found!.measured >= 0.97 * limit, `${found!.at}, not ${first}`);
          const few = await firstWithin(predicted, limit, async (at) => real[at]!, {
            rounds: 3,
            slack: 0.03,
          });
          assert.ok(few!.measured <= limit);
        },
      ),
    );
  });

  test("is found in twice as many measures as halving takes, where predictions say next to nothing", async () => {
    await fc.assert(
      fc.asyncProperty(falling, fc.double({ min: 0.02, max: 1.2, noNaN: true }), async (real, part) => {
        const predicted = real.map((_, i) => 1 - i / 1e6);
        const limit = part * real[0]!;
        const rounds = 2 * Math.ceil(Math.log2(real.length + 1)) + 1;
        const found = await firstWithin(predicted, limit, async (at) => real[at]!, { rounds, slack: 0.03 });
        const first = real.findIndex((each) => each <= limit);
        if (first < 0) return assert.equal(found, null);
        assert.ok(found!.measured <= limit);
        assert.ok(found!.at === first || found!.measured >= 0.97 * limit, `${found!.at}, not ${first}`);
      }),
    );
  });
});
