/** What may be sent as an image, and what is wrong with an image is said. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { openSession } from "@cupel/runtime";
import sharp from "sharp";
import { createImages } from "../../src/images/create-images.ts";
import { detector, measurer } from "../support/image-models.ts";
import { brightness, scaler } from "../support/tiny-models.ts";
import { ask, call, encoded, grey, pngOf, rgbOf, serving } from "./serving.ts";

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
