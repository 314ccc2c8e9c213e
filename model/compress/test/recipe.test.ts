/** Recipes: defaults, and refusals that name what is wrong. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Check } from "typebox/value";
import { defaultRecipe, parseRecipe, recipeSchema, weightBits } from "../src/index.ts";
import { defaultsOf } from "../src/recipe/option.ts";
import { targetOptions } from "../src/recipe/recipe.ts";
import { stages } from "../src/stage/stages.ts";
import { refused } from "./support/refused.ts";

const needed = ["clean", "calibrate", "quantise"];
/** A valid recipe but for what is given. */
const recipe = (changes: Readonly<Record<string, object>>, target?: object) => ({
  stages: ["clean", "prune", "equalise", "calibrate", "quantise", "retrain"]
    .filter((stage) => needed.includes(stage) || stage in changes)
    .map((stage) => ({ stage, ...changes[stage] })),
  ...(target ? { target } : {}),
});

const bad: readonly (readonly [stage: string, key: string, value: unknown])[] = [
  ["prune", "keep", 0],
  ["prune", "keep", 1.1],
  ["prune", "keep", "all"],
  ["prune", "importance", "chance"],
  ["prune", "multipleOf", 0],
  ["prune", "rounds", 0],
  ["prune", "compensate", "yes"],
  ["prune", "images", 0],
  ["prune", "sensitivity", 1],
  ["prune", "fineTune", { epochs: 0 }],
  ["prune", "fineTune", { rate: 1 }],
  ["equalise", "when", "never"],
  ["calibrate", "method", "median"],
  ["calibrate", "symmetry", true],
  ["calibrate", "percentile", 1],
  ["calibrate", "percentile", "0.9"],
  ["calibrate", "images", 0],
  ["calibrate", "batchSize", 1.5],
  ["calibrate", "patience", -1],
  ["calibrate", "tolerance", 0],
  ["quantise", "bits", 7],
  ["quantise", "bits", "8"],
  ["quantise", "levels", "log"],
  ["quantise", "granularity", "row"],
  ["quantise", "blockSize", 1],
  ["quantise", "correctBias", "yes"],
  ["quantise", "reduceRange", null],
  ["quantise", "overrides", { conv: 7 }],
  ["quantise", "overrides", []],
  ["quantise", "rounding", "up"],
  ["quantise", "roundingSteps", 0],
  ["quantise", "heldOut", 0],
  ["retrain", "epochs", 0],
  ["retrain", "learningRate", 0],
  ["retrain", "batch", 1.5],
  ["retrain", "temperature", 0],
  ["retrain", "labelShare", 1.1],
  ["retrain", "augmentation", ["flip"]],
  ["retrain", "activations", "float"],
  ["retrain", "heldOut", 0],
];

test("what is left out is as in the default recipe", () => {
  const equalise = { when: "helps" };
  assert.deepEqual(parseRecipe(recipe({ equalise }), "r.json"), defaultRecipe());
  for (const bits of [...weightBits, "mixed"] as const) {
    assert.deepEqual(parseRecipe(recipe({ equalise, quantise: { bits } }), "r.json"), defaultRecipe(bits));
  }
});

test("a recipe survives JSON", () => {
  const all = parseRecipe(
    recipe(
      {
        equalise: {},
        calibrate: { method: "entropy", symmetry: "symmetric", images: 10, batchSize: 2, patience: 1 },
        quantise: { bits: "mixed", blockSize: 16, overrides: { conv1: 8, fc: "float" }, reduceRange: true },
      },
      { maxBytes: 1000, maxDrop: 0.01 },
    ),
    "r.json",
  );
  assert.deepEqual(parseRecipe(JSON.parse(JSON.stringify(all)), "again.json"), all);
});

describe("refused, naming the key and the place", () => {
  for (const [stage, key, value] of bad) {
    test(`${stage}: ${key} = ${JSON.stringify(value)}`, async () => {
      const json = recipe({ [stage]: { [key]: value } });
      const place = json.stages.findIndex((entry) => entry.stage === stage) + 1;
      await refused(
        () => parseRecipe(json, "r.json"),
        "RECIPE_INVALID",
        new RegExp(`r\\.json, stage ${place}: "${key}"`),
      );
    });
  }

  test("targets out of range", async () => {
    const mixed = { quantise: { bits: "mixed" } };
    for (const [key, value] of [
      ["maxBytes", 0],
      ["maxBytes", "1MB"],
      ["maxDrop", 2],
      ["maxDrop", -0.1],
      ["maxLatency", 0],
      ["maxLatency", "0%"],
      ["maxLatency", "12ms"],
    ]) {
      await refused(
        () => parseRecipe(recipe(mixed, { [key!]: value }), "r.json"),
        "RECIPE_INVALID",
        new RegExp(`target: "${key}"`),
      );
    }
  });

  test("a target where there is nothing to choose", async () => {
    await refused(() => parseRecipe(recipe({}, { maxBytes: 1000 }), "r.json"), "RECIPE_INVALID", /"mixed"/);
    await refused(() => defaultRecipe(8, { maxDrop: 0.1 }), "RECIPE_INVALID", /"mixed"/);
    const target = { maxLatency: "40%" };
    await refused(() => defaultRecipe("mixed", target), "RECIPE_INVALID", /needs channels.*"prune"/);
    const share = recipe({ prune: { keep: 0.5 } }, { maxBytes: 1000 });
    await refused(() => parseRecipe(share, "r.json"), "RECIPE_INVALID", /"keep": "auto"/);
    const exits = recipe({ prune: {} }, target);
    exits.stages.push({ stage: "exits" });
    await refused(() => parseRecipe(exits, "r.json"), "RECIPE_INVALID", /depends on the image/);
  });

  test("and a target that channels can go for is taken", () => {
    for (const target of [{ maxLatency: "12.5%" }, { maxLatency: 3, maxDrop: 0.1 }, { maxBytes: 1000 }]) {
      assert.equal(
        parseRecipe(recipe({ prune: {} }, target), "r.json").target.maxLatency,
        target.maxLatency ?? null,
      );
    }
  });

  test("retraining with what it has no use for", async () => {
    const blocks = recipe({ quantise: { bits: 4, blockSize: 8 }, retrain: {} });
    await refused(() => parseRecipe(blocks, "r.json"), "RECIPE_INVALID", /"blockSize"/);
    const words = recipe({ retrain: { augmentation: "turn" } });
    await refused(() => parseRecipe(words, "r.json"), "AUGMENTATION_INVALID", /turn/);
    const half = { stages: [{ stage: "quantise", bits: 16 }, { stage: "retrain" }] };
    await refused(() => parseRecipe(half, "r.json"), "RECIPE_INVALID", /leave out the stage "retrain"/);
  });

  test("unknown keys, at every depth", async () => {
    for (const json of [
      recipe({ calibrate: { batchsize: 3 } }),
      recipe({ clean: { deep: true } }),
      { ...recipe({}), name: "mine" },
      recipe({ quantise: { bits: "mixed" } }, { maxbytes: 1 }),
      JSON.parse('{"stages": [{"stage": "clean", "__proto__": 1}]}'),
    ]) {
      await refused(() => parseRecipe(json, "r.json"), "RECIPE_KEY_UNKNOWN", /nothing reads/);
    }
  });

  test("unknown, missing, repeated and misplaced stages", async () => {
    const named = (...names: string[]) => ({ stages: names.map((stage) => ({ stage })) });
    for (const [json, saying] of [
      [named("clean", "shrink", "calibrate", "quantise"), /not "shrink"/],
      [{ stages: [{ stage: "prune" }, { stage: "quantise", bits: 16 }] }, /"clean" is missing/],
      [named("clean", "quantise"), /"calibrate" is missing/],
      [named("calibrate", "quantise"), /"clean" is missing/],
      [named("clean", "calibrate", "equalise", "quantise"), /in the order/],
      [named("clean", "clean", "calibrate", "quantise"), /once each/],
      [named(), /needs "stages"/],
      [{ stages: ["clean"] }, /must be an object/],
      [[], /must be an object/],
      [
        { stages: [{ stage: "clean" }, { stage: "calibrate" }, { stage: "quantise" }], target: 3 },
        /"target"/,
      ],
    ] as const) {
      await refused(() => parseRecipe(json, "r.json"), "RECIPE_INVALID", saying);
    }
  });
});

test("a recipe of an earlier version is read, with a remark for each key that has another name now", () => {
  const before = {
    passes: [
      { pass: "clean" },
      { pass: "calibrate", pictures: 100 },
      { pass: "quantise", bits: "mixed", heldBack: 50 },
    ],
    target: { maxDrop: 0.01 },
  };
  const remarks: string[] = [];
  const read = parseRecipe(before, "old.json", (sentence) => remarks.push(sentence));
  const now = recipe({ calibrate: { images: 100 }, quantise: { bits: "mixed", heldOut: 50 } }, before.target);
  assert.deepEqual(read, parseRecipe(now, "new.json", assert.fail));
  assert.deepEqual(remarks, [
    'old.json: "passes" is now called "stages".',
    'old.json: "pass" is now called "stage".',
    'old.json: "pictures" is now called "images".',
    'old.json: "heldBack" is now called "heldOut".',
  ]);
});

test("an old key beside its new name is refused like any other", async () => {
  const both = recipe({ calibrate: { pictures: 1, images: 2 } });
  await refused(() => parseRecipe(both, "r.json"), "RECIPE_KEY_UNKNOWN", /nothing reads "pictures"/);
});

test("the JSON Schema takes what is read and refuses what is refused", () => {
  assert.ok(Check(recipeSchema, recipe({})));
  assert.ok(Check(recipeSchema, defaultRecipe("mixed", { maxBytes: 1000 })));
  for (const [stage, key, value] of bad) {
    assert.ok(!Check(recipeSchema, recipe({ [stage]: { [key]: value } })), `${stage}: ${key}`);
  }
  assert.ok(!Check(recipeSchema, recipe({ clean: { deep: true } })));
});

test("the README lists every option with its default and its meaning", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = readme.match(/^\| `[\w-]+` \| `[a-zA-Z]+` \| `.*` \| .* \|$/gm) ?? [];
  const tables = {
    ...Object.fromEntries(Object.values(stages).map(({ name, options }) => [name, options])),
    target: targetOptions,
  };
  const expected = Object.entries(tables).flatMap(([name, options]) =>
    Object.entries<{ readonly description: string }>(options).map(
      ([key, schema]) =>
        `| \`${name}\` | \`${key}\` | \`${JSON.stringify(defaultsOf(options)[key])}\` | ${schema.description} |`,
    ),
  );
  assert.deepEqual(rows, expected);
});
