/** Windows of a big picture: what a classifier knows is found in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findInWindows } from "@cupel/predict";
import sharp from "sharp";
import { labeller } from "../support/image-models.ts";
import { brightness } from "../support/tiny-models.ts";
import { ask, call, encoded, serving } from "./serving.ts";

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
