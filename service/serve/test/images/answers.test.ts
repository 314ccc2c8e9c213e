/** Images in, answers out: those of `cupel predict`, for every task. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import { toldBoxes, topClasses } from "@cupel/predict";
import { readMask } from "@cupel/vision";
import sharp from "sharp";
import { detector, labeller, measurer, segmenter, textReader } from "../support/image-models.ts";
import { brightness } from "../support/tiny-models.ts";
import { ask, type Channel, call, encoded, grey, pngOf, predicted, serving } from "./serving.ts";

suite("answers are those of the predictor", () => {
  test("classes, the likeliest first, in one run of all images", async () => {
    await using service = await serving(brightness(), "classification");
    const { images, predictor, runs } = service;
    const files = [await grey(90).png().toBuffer(), await grey(200).jpeg().toBuffer()].map((bytes) =>
      encoded(bytes),
    );
    const asked = call();
    const response = await images.predict(ask(files), asked);
    assert.deepEqual(runs, [2]);
    assert.ok(asked.times.decode! > 0);
    const expected = await predicted(predictor, files);
    assert.deepEqual(response, {
      model: "tiny",
      version: "1",
      id: "7",
      task: "classification",
      answers: expected.map((prediction) => ({
        width: 9,
        height: 7,
        classes: topClasses(prediction, 5, predictor.classes).map((each) => ({
          index: each.classIndex,
          name: each.className,
          score: each.probability,
        })),
      })),
    });
    const [dark] = response.answers;
    // The softmax of -20 m + 10 and 20 m - 10 with m = 90 / 255.
    assert.ok(Math.abs(dark!.classes![0]!.score - 1 / (1 + Math.exp(40 * (90 / 255) - 20))) < 1e-5);
    const one = await images.predict(ask(files, { top: 1 }), call());
    assert.deepEqual(
      one.answers.map(({ classes }) => classes!.map(({ name }) => name)),
      [["dark"], ["bright"]],
    );
    const sure = await images.predict(ask(files, { threshold: 0.999 }), call());
    assert.deepEqual(
      sure.answers.map(({ classes }) => classes!.length),
      [0, 1],
    );
  });

  test("boxes above the threshold, in pixels of the image, and drawn into it", async () => {
    await using service = await serving(detector(), "detection");
    const { images, predictor } = service;
    // A red square that is one cell of the letter-boxed tensor, and a blue one, which is no class.
    const at = (x: number, y: number): Channel => (x >= 16 && x < 32 && y < 16 ? 0 : 2);
    const image = encoded(await pngOf(64, 32, at));
    const { answers } = await images.predict(ask([image], { draw: true }), call());
    const [expected] = await predicted(predictor, [image]);
    const boxes = toldBoxes(expected!).map(({ classIndex, className, ...box }) => ({
      index: classIndex,
      name: className,
      ...box,
    }));
    assert.deepEqual(answers[0]!.boxes, boxes);
    assert.deepEqual(
      answers[0]!.boxes!.map(({ name, score, left, right }) => [name, score, left, right]),
      [["red", 1, 16, 32]],
    );
    const drawing = await sharp(answers[0]!.drawing!).metadata();
    assert.deepEqual([drawing.format, drawing.width, drawing.height], ["png", 64, 32]);
    const all = await images.predict(ask([image], { threshold: 0 }), call());
    assert.ok(all.answers[0]!.boxes!.length >= 1);
    assert.equal(all.answers[0]!.drawing, undefined);
  });

  test("a class for each pixel as a mask of the size of the image, with the share of each", async () => {
    await using service = await serving(segmenter(), "segmentation");
    await using folder = await openTemporaryFolder("images");
    const at = (x: number): Channel => (x < 4 ? 0 : x < 12 ? 1 : 2);
    const image = encoded(await pngOf(16, 8, at));
    const { answers } = await service.images.predict(ask([image], { draw: true }), call());
    const { mask, drawing } = answers[0]!;
    const path = join(folder.path, "mask.png");
    await writeFile(path, mask!.png);
    const { width, height, classes } = await readMask(path);
    assert.deepEqual([width, height], [16, 8]);
    assert.deepEqual(
      [...classes],
      Array.from({ length: 128 }, (_, i) => at(i % 16)),
    );
    assert.deepEqual(mask!.classes, [
      { index: 1, name: "green", score: 0.5 },
      { index: 0, name: "red", score: 0.25 },
      { index: 2, name: "blue", score: 0.25 },
    ]);
    assert.equal((await sharp(drawing!).metadata()).width, 16);
  });

  test("every label above the threshold", async () => {
    await using service = await serving(labeller(), "multi-label");
    const image = encoded(await pngOf(8, 8, (x) => (x < 5 ? 0 : 1)));
    const [expected] = await predicted(service.predictor, [image]);
    const told = async (threshold?: number) =>
      (await service.images.predict(ask([image], { threshold }), call())).answers[0]!.classes!;
    assert.deepEqual(
      await told(),
      expected!.labels.map(({ classIndex: index, className: name, score }) => ({ index, name, score })),
    );
    assert.deepEqual(
      (await told()).map(({ name }) => name),
      ["red"],
    );
    assert.deepEqual(
      (await told(0.1)).map(({ name }) => name),
      ["red", "green"],
    );
  });

  for (const task of ["regression", "features"] as const) {
    test(`the values of a model of ${task}`, async () => {
      await using service = await serving(measurer(task), task);
      const image = encoded(await pngOf(8, 8, (x) => (x < 2 ? 0 : 2)));
      const { answers } = await service.images.predict(ask([image]), call());
      assert.deepEqual(answers, [{ width: 8, height: 8, values: [0.25, 0, 0.75] }]);
      await assert.rejects(service.images.predict(ask([image], { draw: true }), call()), {
        code: "REQUEST_INVALID",
      });
    });
  }

  test("a line of text", async () => {
    await using service = await serving(textReader(), "sequence");
    const line: readonly Channel[] = [1, 1, 0, 1, 2, 0, 0, 2];
    const image = encoded(await pngOf(8, 8, (x) => line[x]!));
    const { answers } = await service.images.predict(ask([image]), call());
    assert.equal(answers[0]!.text!.text, "aabb");
    assert.equal(answers[0]!.text!.score, 1);
  });
});
