import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "@cupel/base";
import { batches, type Image, type ImageBatch, type ImageSource } from "../src/index.ts";
import { asDecoded, level, refused, sourceOf } from "./fixtures.ts";

const grey = asDecoded({ colour: "grey" });

const unreadable: Image = { kind: "encoded", bytes: Buffer.from("not an image") };

async function collect(items: AsyncIterable<ImageBatch>): Promise<ImageBatch[]> {
  const found: ImageBatch[] = [];
  for await (const batch of items) found.push(batch);
  return found;
}

/** A source of grey levels 0, 1, ... that counts how often it was asked. */
function counting(length: number, delay: (index: number) => number = () => 0) {
  const asked: number[] = [];
  const source: ImageSource = sourceOf(new Array<Image>(length).fill(level(0)), {
    image: async (index) => {
      asked.push(index);
      await sleep(delay(index));
      return level(index);
    },
  });
  return { source, asked };
}

test("batches hold images and labels in order; the last one holds what is left", async () => {
  const source = sourceOf([level(7), level(8), level(9)], { labels: [2, 0, 1] });
  const found = await collect(batches(source, grey, { batchSize: 2 }));
  assert.deepEqual(
    found.map(({ indices, labels, data, dims }) => ({ indices, labels, data: [...data], dims })),
    [
      { indices: [0, 1], labels: [2, 0], data: [7, 8], dims: [2, 1, 1, 1] },
      { indices: [2], labels: [1], data: [9], dims: [1, 1, 1, 1] },
    ],
  );
  assert.equal(found[1]?.data.buffer.byteLength, 4);
});

test("order holds whichever image is ready first", async () => {
  const { source } = counting(40, (index) => (index * 7) % 5);
  const found = await collect(batches(source, grey, { batchSize: 8, workers: 4 }));
  const levels = found.flatMap((batch) => [...batch.data]);
  assert.deepEqual(
    levels,
    Array.from({ length: 40 }, (_, i) => i),
  );
});

test("no more images are decoded at once than there are workers", async () => {
  let running = 0;
  let most = 0;
  const source = sourceOf(new Array<Image>(30).fill(level(0)), {
    image: async () => {
      most = Math.max(most, ++running);
      await sleep(1);
      running--;
      return level(0);
    },
  });
  await collect(batches(source, grey, { batchSize: 10, workers: 3 }));
  assert.equal(most, 3);
});

test("two batches are made ahead of the consumer, and not the whole source", async () => {
  const { source, asked } = counting(1000);
  const iterator = batches(source, grey, { batchSize: 10, workers: 1 })[Symbol.asyncIterator]();
  await iterator.next();
  await sleep(100);
  // One batch taken, two ahead, and a window of eight begun.
  assert.ok(asked.length >= 30 && asked.length <= 40, `${asked.length} asked`);
  await iterator.return?.();
});

test("leaving early stops the decoding", async () => {
  const { source, asked } = counting(1000, () => 1);
  for await (const _ of batches(source, grey, { batchSize: 4 })) break;
  const before = asked.length;
  await sleep(30);
  assert.equal(asked.length, before);
  assert.ok(before < 100, `${before} asked`);
});

test("an unreadable image is listed and the batch takes the next one", async () => {
  const told: string[] = [];
  const source = sourceOf([
    level(0),
    unreadable,
    level(2),
    { kind: "file", path: "/nowhere/x.png" },
    level(4),
  ]);
  const found = batches(source, grey, { batchSize: 2, onUnreadable: ({ id }) => told.push(id) });
  assert.deepEqual(
    (await collect(found)).map((batch) => batch.indices),
    [[0, 2], [4]],
  );
  assert.deepEqual(told, ["image 1", "image 3"]);
  assert.deepEqual(
    found.unreadable.map(({ index, id }) => ({ index, id })),
    [
      { index: 1, id: "image 1" },
      { index: 3, id: "image 3" },
    ],
  );
  assert.match(found.unreadable[0]?.reason ?? "", /image 1 cannot be read as an image: .*unsupported/);
});

test("iterating again starts again, list of unreadable images included", async () => {
  const found = batches(sourceOf([unreadable, level(3)]), grey, { batchSize: 1 });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual([...((await collect(found))[0]?.data ?? [])], [3]);
    assert.equal(found.unreadable.length, 1);
  }
});

test("under strict the first unreadable image is an error that names it", async () => {
  const work = () => collect(batches(sourceOf([level(0), unreadable]), grey, { batchSize: 1, strict: true }));
  await refused(work, "IMAGES_UNREADABLE", /image 1/);
});

test("a source without one readable image is an error that gives the first reason", async () => {
  const work = () => collect(batches(sourceOf([unreadable, unreadable]), grey, { batchSize: 1 }));
  await refused(work, "IMAGES_UNREADABLE", /None of the 2 images in memory.*image 0/);
});

test("a failure that is not the image's is not skipped", async () => {
  const source = sourceOf([level(0)], { image: () => Promise.reject(new TypeError("defect")) });
  await assert.rejects(collect(batches(source, grey, { batchSize: 1 })), TypeError);
});

test("cancelling ends the iteration with CANCELLED", async () => {
  const { source } = counting(1000, () => 1);
  const controller = new AbortController();
  const work = async () => {
    for await (const _ of batches(source, grey, { batchSize: 2, signal: controller.signal }))
      controller.abort();
  };
  await refused(work, "CANCELLED", /Reading images was cancelled/);
});

test("progress counts every image, unreadable ones too, and is closed", async () => {
  const told = { total: 0, done: 0, closed: 0 };
  const progress: Progress = {
    start: (_, total = 0) => {
      told.total = total;
      return {
        advance: (count = 1) => {
          told.done += count;
        },
        note() {},
        [Symbol.dispose]: () => {
          told.closed++;
        },
      };
    },
  };
  await collect(batches(sourceOf([level(0), unreadable, level(1)]), grey, { batchSize: 2, progress }));
  assert.deepEqual(told, { total: 3, done: 3, closed: 1 });
});

test("batch sizes and workers below one are refused", async () => {
  const source = sourceOf([level(0)]);
  await refused(() => batches(source, grey, { batchSize: 0 }), "SELECTION_INVALID", /batchSize.*not 0/);
  await refused(() => batches(source, grey, { batchSize: 1, workers: 0.5 }), "SELECTION_INVALID", /workers/);
});

test("images that are made without waiting leave room for other work, such as being stopped", async () => {
  const made: number[] = [];
  const busy: ImageSource = sourceOf(new Array<Image>(400).fill(level(0)), {
    image: async (index) => {
      made.push(index);
      const until = performance.now() + 2;
      while (performance.now() < until);
      return level(index);
    },
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  await refused(
    () => collect(batches(busy, grey, { batchSize: 400, signal: controller.signal })),
    "CANCELLED",
    /cancelled/,
  );
  assert.ok(made.length < 400, "the timer fired only after every image was made");
});
