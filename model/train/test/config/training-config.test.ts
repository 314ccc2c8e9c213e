/** The configuration of a training: what is read, what is refused by name, and what it makes of `fit`. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { conforms, expectation } from "@cupel/base";
import { fitOptionsOf, mlp, parseTrainingConfig, trainingOptions } from "@cupel/train";

const network = mlp({ inputs: 4, hidden: [3], classes: 2 });
const parse = (settings: Readonly<Record<string, unknown>>) =>
  parseTrainingConfig({ network: "resnet18", ...settings }, "net.json");
const optionsOf = (settings: Readonly<Record<string, unknown>>) =>
  fitOptionsOf(parse(settings).config, network);

suite("a configuration is read", () => {
  test("as it is written", () => {
    const settings = { network: "resnet18", epochs: 3, learningRate: 0.1, validation: 0.2, resume: true };
    assert.deepEqual(parseTrainingConfig(settings, "net.json"), { config: settings, remarks: [] });
  });

  test("with the keys of an earlier version, each with a remark", () => {
    const { config, remarks } = parse({ rate: 0.1, "clip-norm": 1, "label-column": "kind", epochs: "3" });
    assert.deepEqual(config, {
      network: "resnet18",
      learningRate: 0.1,
      clipNorm: 1,
      labelColumn: "kind",
      epochs: 3,
    });
    assert.deepEqual(
      remarks.map((remark) => remark.replace(/^net\.json: /, "")),
      [
        '"rate" is now called "learningRate".',
        '"clip-norm" is now called "clipNorm".',
        '"label-column" is now called "labelColumn".',
        '"epochs" is a number now: write 3 without quotes.',
      ],
    );
  });

  test("where it ships with the project", async () => {
    const root = resolve(import.meta.dirname, "../../../..");
    for (const path of [
      "app/cli/models/inspection.train.json",
      "examples/circuit-boards.train.json",
      "examples/fashion-mnist.train.json",
    ]) {
      const json: unknown = JSON.parse(await readFile(join(root, path), "utf8"));
      assert.deepEqual(parseTrainingConfig(json, path), { config: json, remarks: [] });
    }
  });
});

suite("a configuration is refused by name", () => {
  for (const [settings, message] of [
    [{ epoch: 3 }, /net\.json.*there is no "epoch"; did you mean "epochs"\?/],
    [{ epochs: 0 }, /"epochs" must be a whole number of at least 1, not 0/],
    [{ epochs: null }, /"epochs" must be a whole number of at least 1, not null/],
    [{ learningRate: 0 }, /"learningRate" must be a number above 0, not 0/],
    [{ momentum: 1 }, /"momentum" must be at least 0 and below 1, not 1/],
    [{ optimiser: "lamb" }, /"optimiser" must be one of sgd, adamw, not "lamb"/],
    [{ strict: "yes" }, /"strict" must be true or false/],
    [{ data: 5 }, /"data" must be a text, not 5/],
    [{ validation: 1.5 }, /"validation" must be images, or a share above 0 and below 1, not 1.5/],
    [{ rate: 0.1, learningRate: 0.2 }, /"learningRate" is given twice/],
    [{ network: 5 }, /"network" must say what is trained/],
    [{ network: undefined }, /"network" must say what is trained/],
  ] as const) {
    test(JSON.stringify(settings), () => {
      assert.throws(() => parse(settings), { code: "TRAINING_CONFIG_INVALID", message });
    });
  }

  for (const json of [null, [], "resnet18", 3]) {
    test(JSON.stringify(json), () => {
      assert.throws(() => parseTrainingConfig(json, "net.json"), {
        code: "TRAINING_CONFIG_INVALID",
        message: /net\.json.*must be an object/,
      });
    });
  }
});

suite("the options of fit", () => {
  test("have the defaults of the table", () => {
    const options = optionsOf({});
    assert.equal(options.epochs, 10);
    assert.equal(options.batch, 64);
    assert.deepEqual(options.schedule, { kind: "cosine", learningRate: 0.05, warmup: 0 });
    assert.deepEqual(options.optimiser, { kind: "sgd" });
    assert.deepEqual(options.loader, { workers: 1, strict: false });
    assert.equal(options.checkpoint, undefined);
    assert.equal(options.patience, undefined);
    assert.ok(!("clipNorm" in options) && !("trainable" in options) && !("threads" in options));
  });

  test("take 0 for 0", () => {
    const options = optionsOf({ momentum: 0, weightDecay: 0, smoothing: 0, workers: 0, warmup: 0, seed: 0 });
    assert.deepEqual(options.optimiser, { kind: "sgd", momentum: 0, weightDecay: 0 });
    assert.equal(options.loader?.workers, 0);
    assert.equal(options.seed, 0);
  });

  test("divide the threads among the replicas, and put the checkpoint into its folder", () => {
    const options = optionsOf({ threads: 5, replicas: 2, checkpoint: "run", resume: true });
    assert.equal(options.threads, 2);
    assert.deepEqual(options.checkpoint, { path: join("run", "checkpoint.safetensors"), resume: true });
  });

  test("leave frozen what is named, with * for anything", () => {
    const names = Array.from(network.graph.initializers, ({ name }) => name);
    const [first] = names;
    const { trainable } = optionsOf({ freeze: `${first!.split(".")[0]}.*` });
    assert.equal(trainable?.(first!), false);
    assert.equal(trainable?.(names.at(-1)!), true);
  });

  for (const [settings, message] of [
    [{ optimiser: "adamw", momentum: 0 }, /"momentum" is of sgd/],
    [{ schedule: "one-cycle", warmup: 0 }, /"warmup" cannot be given with "schedule" one-cycle/],
    [{ resume: true }, /"resume" needs "checkpoint"/],
    [{ freeze: "layer9.*" }, /"freeze" names no parameter with "layer9\.\*"/],
  ] as const) {
    test(`refuse ${JSON.stringify(settings)}`, () => {
      assert.throws(() => optionsOf(settings), { code: "TRAINING_CONFIG_INVALID", message });
    });
  }

  test("are all in the README", async () => {
    const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
    for (const [key, row] of Object.entries(trainingOptions)) {
      const usual = "otherwise" in row ? row.otherwise : row.default === null ? "" : `\`${row.default}\``;
      const line = `| \`${key}\` | ${expectation(row)} | ${usual} | ${row.description} |\n`;
      assert.ok(readme.includes(line), `the table of the README lacks this line:\n${line}`);
    }
  });

  test("each row has a meaning, and its default is one of its values", () => {
    for (const [key, row] of Object.entries(trainingOptions)) {
      assert.ok(row.description.length > 8, key);
      if (row.default !== null) assert.ok(conforms(row, row.default), key);
    }
  });
});
