/** Recipes: defaults, and refusals that name what is wrong. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { defaultRecipe, parseRecipe, weightBits } from "../src/index.ts";
import { refused } from "./support/refused.ts";

const needed = ["clean", "calibrate", "quantise"];
/** A valid recipe but for what is given. */
const recipe = (changes: Readonly<Record<string, object>>, target?: object) => ({
  passes: ["clean", "equalise", "calibrate", "quantise"]
    .filter((pass) => needed.includes(pass) || pass in changes)
    .map((pass) => ({ pass, ...changes[pass] })),
  ...(target ? { target } : {}),
});

test("what is left out is as in the default recipe", () => {
  assert.deepEqual(parseRecipe(recipe({}), "r.json"), defaultRecipe());
  for (const bits of [...weightBits, "mixed"] as const) {
    assert.deepEqual(parseRecipe(recipe({ quantise: { bits } }), "r.json"), defaultRecipe(bits));
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
  const bad: readonly (readonly [pass: string, key: string, value: unknown])[] = [
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
    ["quantise", "heldOut", 0],
  ];
  for (const [pass, key, value] of bad) {
    test(`${pass}: ${key} = ${JSON.stringify(value)}`, async () => {
      const json = recipe({ [pass]: { [key]: value } });
      const place = json.passes.findIndex((entry) => entry.pass === pass) + 1;
      await refused(
        () => parseRecipe(json, "r.json"),
        "RECIPE_INVALID",
        new RegExp(`r\\.json, pass ${place}: "${key}"`),
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
  });

  test("unknown keys, at every depth", async () => {
    for (const json of [
      recipe({ calibrate: { batchsize: 3 } }),
      recipe({ clean: { deep: true } }),
      { ...recipe({}), name: "mine" },
      recipe({ quantise: { bits: "mixed" } }, { maxbytes: 1 }),
      JSON.parse('{"passes": [{"pass": "clean", "__proto__": 1}]}'),
    ]) {
      await refused(() => parseRecipe(json, "r.json"), "RECIPE_KEY_UNKNOWN", /nothing reads/);
    }
  });

  test("unknown, missing, repeated and misplaced passes", async () => {
    const passes = (...names: string[]) => ({ passes: names.map((pass) => ({ pass })) });
    for (const [json, saying] of [
      [passes("clean", "prune", "calibrate", "quantise"), /not "prune"/],
      [passes("clean", "quantise"), /"calibrate" is missing/],
      [passes("calibrate", "quantise"), /"clean" is missing/],
      [passes("clean", "calibrate", "equalise", "quantise"), /in the order/],
      [passes("clean", "clean", "calibrate", "quantise"), /once each/],
      [passes(), /needs "passes"/],
      [{ passes: ["clean"] }, /must be an object/],
      [[], /must be an object/],
      [{ passes: [{ pass: "clean" }, { pass: "calibrate" }, { pass: "quantise" }], target: 3 }, /"target"/],
    ] as const) {
      await refused(() => parseRecipe(json, "r.json"), "RECIPE_INVALID", saying);
    }
  });
});

test("the README lists every option with its default", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = readme.match(/^\| `\w+` \| `[a-zA-Z]+` \| `.*` \| .* \|$/gm) ?? [];
  const listed = rows.map((row) =>
    row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
  const all = parseRecipe(recipe({ equalise: {} }), "r.json");
  const expected = [
    ...all.passes.flatMap(({ pass, ...options }) =>
      Object.entries(options).map(([key, value]) => [pass, key, JSON.stringify(value)]),
    ),
    ...Object.entries(all.target).map(([key, value]) => ["target", key, JSON.stringify(value)]),
  ];
  assert.deepEqual(listed, expected);
});
