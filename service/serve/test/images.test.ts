/** Images in, answers out: those of `cupel predict`, for every task; and what is wrong with an image is said. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openTemporaryFolder } from "@cupel/base";
import {
  findInWindows,
  type KnownPredictor,
  openPredictor,
  type TaskName,
  toldBoxes,
  topClasses,
} from "@cupel/predict";
import { type InferenceSession, openSession } from "@cupel/runtime";
import { anonymous, type Call, type PredictRequest } from "@cupel/serve";
import { type Image, type ImageSource, readMask } from "@cupel/vision";
import sharp from "sharp";
import { createImages, type Images } from "../src/images/create-images.ts";
import { detector, labeller, measurer, segmenter, textReader } from "./support/image-models.ts";
import { brightness, scaler } from "./support/tiny-models.ts";

const call = (signal = new AbortController().signal): Call => ({
  face: "rest",
  principal: anonymous,
  signal,
  address: "",
  times: {},
});

interface Serving<Name extends TaskName> extends AsyncDisposable {
  readonly images: Images;
  readonly predictor: KnownPredictor<Name>;
  /** Rows of each run of the batcher. */
  readonly runs: number[];
}

async function serving<Name extends TaskName>(model: Uint8Array, taskName: Name): Promise<Serving<Name>> {
  const session: InferenceSession = await openSession(model, { threads: 1 });
  const runs: number[] = [];
  const images = await createImages(model, {
    model: "tiny",
    version: "1",
    inputs: session.inputs,
    outputs: session.outputs,
    run(feeds, { fetches, call: { signal } }) {
      runs.push(Object.values(feeds)[0]!.dims[0]!);
      return session.timedRun(feeds, { fetches, signal });
    },
  });
  runs.length = 0;
  const predictor = await openPredictor(model, { session, taskName });
  return { images, predictor, runs, [Symbol.asyncDispose]: () => session.close() };
}

type Channel = 0 | 1 | 2;
const rgbOf = (width: number, height: number, channelAt: (x: number, y: number) => Channel): Uint8Array => {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) data[3 * i + channelAt(i % width, Math.floor(i / width))] = 255;
  return data;
};

async function pngOf(width: number, height: number, channelAt: (x: number, y: number) => Channel) {
  const data = rgbOf(width, height, channelAt);
  return new Uint8Array(
    await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

const encoded = (bytes: Uint8Array) => ({ kind: "encoded" as const, bytes });
const sourceOf = (images: readonly Image[]): ImageSource => ({
  kind: "synthetic",
  location: "memory",
  length: images.length,
  classes: null,
  labelled: false,
  id: (index) => `image ${index}`,
  label: () => null,
  image: async (index) => images[index]!,
});

async function predicted<Prediction>(
  predictor: { predict(images: ImageSource): AsyncIterable<{ readonly prediction: Prediction }> },
  images: readonly Image[],
): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const { prediction } of predictor.predict(sourceOf(images))) found.push(prediction);
  return found;
}

const ask = (images: PredictRequest["images"], more: Partial<PredictRequest> = {}): PredictRequest => ({
  model: "tiny",
  id: "7",
  images,
  ...more,
});

const grey = (level: number) =>
  sharp({ create: { width: 9, height: 7, channels: 3, background: { r: level, g: level, b: level } } });

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

test("what a classifier knows is found in windows of a big picture, in boxes, and drawn", async () => {
  await using service = await serving(brightness(), "classification");
  const [width, height] = [40, 32];
  const lit = (x: number, y: number) => x >= 20 && x < 28 && y >= 8 && y < 16;
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    lit(i % width, Math.floor(i / width)) ? 255 : 0,
  );
  const board = encoded(
    await sharp(data, { raw: { width, height, channels: 1 } })
      .png()
      .toBuffer(),
  );
  const windows = { background: "dark", stride: 2 };
  const asked = call();
  const { answers, task } = await service.images.predict(
    ask([board], { windows, draw: true, threshold: 0.6 }),
    asked,
  );
  assert.equal(task, "classification");
  const [answer] = answers;
  assert.deepEqual([answer!.width, answer!.height, answer!.classes], [width, height, undefined]);
  const options = { ...windows, threshold: 0.6 };
  const expected = await findInWindows(board, "board", service.predictor, options);
  assert.deepEqual(
    answer!.boxes,
    expected.boxes.map(({ classIndex: index, className: name, ...box }) => ({ index, name, ...box })),
  );
  const [best] = answer!.boxes!;
  assert.deepEqual([best!.name, best!.left + best!.right, best!.top + best!.bottom], ["bright", 48, 24]);
  assert.equal((await sharp(answer!.drawing!).metadata()).width, width);
  assert.ok(asked.times.decode! > 0);
  const all = service.runs.reduce((sum, rows) => sum + rows, 0);
  assert.equal(all, 21 * 17, "every window once");

  await assert.rejects(service.images.predict(ask([board], { windows: { stride: 0.5 } }), call()), {
    code: "OPTION_INVALID",
  });
  const large = { kind: "rgb", bytes: new Uint8Array(3 * 250 * 250), width: 250, height: 250 } as const;
  await assert.rejects(service.images.predict(ask([large], { windows: true }), call()), {
    code: "OPTION_INVALID",
    message: /63001 windows 1 pixels apart, and at most 10000/,
  });
  await using other = await serving(labeller(), "multi-label");
  await assert.rejects(other.images.predict(ask([board], { windows: true }), call()), {
    code: "REQUEST_INVALID",
  });
});

suite("what is sent", () => {
  test("bare pixels say what the encoded image says", async () => {
    await using service = await serving(measurer("features"), "features");
    const [width, height] = [8, 8];
    const rgb = rgbOf(width, height, (x) => (x < 4 ? 0 : 2));
    const png = await pngOf(width, height, (x) => (x < 4 ? 0 : 2));
    // Red and blue in limited range; squares of two by two are of one colour.
    const of = (red: number, blue: number, columns: number) =>
      Array.from({ length: columns }, (_, x) => (x < columns / 2 ? red : blue));
    const rows = <T>(row: readonly T[], count: number) => Array.from({ length: count }, () => row).flat();
    const y = rows(of(81, 41, 8), 8);
    const cb = of(90, 240, 4);
    const cr = of(240, 110, 4);
    const i420 = Uint8Array.from([...y, ...rows(cb, 4), ...rows(cr, 4)]);
    const nv12 = Uint8Array.from([
      ...y,
      ...rows(
        cb.flatMap((each, i) => [each, cr[i]!]),
        4,
      ),
    ]);
    const { answers } = await service.images.predict(
      ask([
        encoded(png),
        { kind: "rgb", bytes: rgb, width, height },
        { kind: "i420", bytes: i420, width, height },
        { kind: "nv12", bytes: nv12, width, height },
      ]),
      call(),
    );
    for (const { values } of answers) {
      for (const [c, expected] of [0.5, 0, 0.5].entries()) {
        assert.ok(Math.abs(values![c]! - expected) < 0.01, `${values}`);
      }
    }
    assert.deepEqual(answers[1], answers[0]);
    assert.deepEqual(answers[3], answers[2]);
  });

  test("encoded images become the feed of a tensor request", async () => {
    await using service = await serving(brightness(), "classification");
    const { images } = service;
    assert.equal(images.imageInput, "image");
    const asked = call();
    const feeds = await images.prepare(
      [await grey(51).png().toBuffer(), await grey(255).webp().toBuffer()],
      asked,
    );
    assert.deepEqual(feeds.image!.dims, [2, 1, 8, 8]);
    assert.ok(Math.abs(Number(feeds.image!.data[0]) - 0.2) < 1e-6);
    assert.equal(feeds.image!.data[64], 1);
    assert.ok(asked.times.decode! > 0);
  });

  test("a bad image is named, and is the fault of who sent it", async () => {
    await using service = await serving(brightness(), "classification");
    const good = encoded(await grey(9).png().toBuffer());
    const jpeg = await sharp({ create: { width: 300, height: 300, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    for (const [bytes, reason] of [
      [Buffer.alloc(0), /it is empty/],
      [Buffer.from("no image"), /its format is unsupported/],
      [jpeg.subarray(0, 200), /cannot be read as an image/],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), /unsupported|SVG/],
    ] as const) {
      await assert.rejects(service.images.predict(ask([good, encoded(bytes)]), call()), (thrown) => {
        assert.ok(thrown instanceof Error && "code" in thrown && "spec" in thrown && "details" in thrown);
        assert.equal(thrown.code, "IMAGE_INVALID");
        assert.match(thrown.message, /^Image 2 of 2 cannot be read as an image: /);
        assert.match(thrown.message, reason);
        assert.deepEqual(thrown.details, { image: 1 });
        return true;
      });
      await assert.rejects(service.images.prepare([bytes], call()), { code: "IMAGE_INVALID" });
    }
    const bare = { kind: "rgb", bytes: new Uint8Array(5), width: 2, height: 1 } as const;
    await assert.rejects(service.images.predict(ask([bare]), call()), {
      code: "IMAGE_INVALID",
      message: "The image cannot be read as an image: rgb pixels of 2 x 1 are 6 bytes, and it has 5.",
    });
    const sideless = { ...bare, kind: "nv12", width: 0 } as const;
    await assert.rejects(service.images.predict(ask([sideless]), call()), { code: "IMAGE_INVALID" });
    assert.deepEqual(service.runs, []);
  });

  test("what cannot be asked is refused before an image is read", async () => {
    await using service = await serving(brightness(), "classification");
    const image = encoded(await grey(9).png().toBuffer());
    for (const request of [
      ask([]),
      ask([image], { top: 0 }),
      ask([image], { threshold: 2 }),
      ask([image], { threshold: Number.NaN }),
    ]) {
      await assert.rejects(service.images.predict(request, call()), { code: "REQUEST_INVALID" });
    }
    await assert.rejects(service.images.prepare([], call()), { code: "REQUEST_INVALID" });
  });

  test("a caller who has left is told so, and nothing is run", async () => {
    await using service = await serving(brightness(), "classification");
    const image = encoded(await grey(9).png().toBuffer());
    const many = Array.from({ length: 50 }, () => image);
    await assert.rejects(service.images.predict(ask(many), call(AbortSignal.abort())), { code: "CANCELLED" });
    const late = AbortSignal.abort(new DOMException("late", "TimeoutError"));
    await assert.rejects(service.images.predict(ask(many), call(late)), { code: "DEADLINE_EXCEEDED" });
    assert.deepEqual(service.runs, []);
    const { answers } = await service.images.predict(ask([image]), call());
    assert.equal(answers.length, 1, "the slots are free again");
  });

  test("more images than the tensors of a request may take are refused", async () => {
    await using service = await serving(detector(), "detection");
    const most = (256 * 2 ** 20) / (4 * 3 * 32 * 32);
    const many = Array.from({ length: Math.floor(most) + 1 }, () => encoded(new Uint8Array(0)));
    await assert.rejects(service.images.predict(ask(many), call()), { code: "BATCH_TOO_LARGE" });
  });
});

test("a model that takes no images says so to whoever sends some", async () => {
  const model = scaler();
  await using session = await openSession(model, { threads: 1 });
  const images = await createImages(model, {
    model: "scaler",
    version: "1",
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, { fetches }) => session.timedRun(feeds, { fetches }),
  });
  assert.equal(images.imageInput, null);
  const refused = {
    code: "INPUT_UNSUPPORTED",
    message: /^The model "scaler" takes no images\. The model is fed "x" float32 \[n, 3\]: none is an image/,
  };
  await assert.rejects(images.prepare([new Uint8Array(1)], call()), refused);
  await assert.rejects(images.predict(ask([encoded(new Uint8Array(1))]), call()), refused);
});
