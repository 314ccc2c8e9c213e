/** Loaders: what an epoch holds, that it depends on nothing but seed and data, and that nothing is left behind. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Worker } from "node:worker_threads";
import { CupelError } from "@cupel/base";
import sharp from "sharp";
import {
  type Image,
  type LoaderOptions,
  openLoader,
  parseAugmentation,
  type TrainingBatch,
} from "../src/index.ts";
import { asDecoded, level, png, raw, refused, sourceOf } from "./fixtures.ts";

const grey = asDecoded({ colour: "grey" });
const unreadable: Image = { kind: "encoded", bytes: Buffer.from("not an image") };
const levels = (count: number): Image[] => Array.from({ length: count }, (_, i) => level(i));

interface Seen extends Omit<TrainingBatch, "data" | "labels"> {
  readonly data: readonly number[];
  readonly labels: readonly number[];
}

/** Copies, since a batch is the consumer's only until the next. */
async function collect(batches: AsyncIterable<TrainingBatch>): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const batch of batches)
    seen.push({ ...batch, data: [...batch.data], labels: [...batch.labels] });
  return seen;
}

async function epochs(images: readonly Image[], options: LoaderOptions, numbers = [0]): Promise<Seen[][]> {
  await using loader = openLoader(sourceOf(images), grey, options);
  const seen: Seen[][] = [];
  for (const epoch of numbers) seen.push(await collect(loader.epoch(epoch)));
  return seen;
}

const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);

suite("an epoch", () => {
  test("holds each image once, shuffled, with its label", async () => {
    const labels = Array.from({ length: 20 }, (_, i) => 100 + i);
    await using loader = openLoader(sourceOf(levels(20), { labels }), grey, { batchSize: 4, workers: 0 });
    const seen = await collect(loader.epoch(0));
    assert.deepEqual([loader.batchesPerEpoch, seen.length], [5, 5]);
    const values = seen.flatMap(({ data }) => data);
    assert.deepEqual(ascending(values), [...Array(20).keys()]);
    assert.notDeepEqual(values, ascending(values));
    for (const [i, batch] of seen.entries()) {
      assert.deepEqual(batch.data, batch.indices);
      assert.deepEqual(
        batch.labels,
        batch.indices.map((index) => 100 + index),
      );
      assert.deepEqual([batch.index, batch.dims], [i, [4, 1, 1, 1]]);
    }
  });

  test("has an order of its own, decided by the seed", async () => {
    const order = (found: readonly Seen[]) => found.flatMap(({ indices }) => indices).join();
    const [first, second, again] = await epochs(levels(30), { batchSize: 5, workers: 0, seed: 7 }, [0, 1, 0]);
    const [other] = await epochs(levels(30), { batchSize: 5, workers: 0, seed: 8 });
    assert.equal(order(again!), order(first!));
    assert.equal(new Set([first!, second!, other!].map(order)).size, 3);
  });

  test("without shuffle has the order of the source, and with dropLast: false its last images", async () => {
    const options = { batchSize: 4, workers: 0, shuffle: false };
    const [kept] = await epochs(levels(10), { ...options, dropLast: false });
    assert.deepEqual(
      kept!.map(({ data, dims }) => [data, dims[0]]),
      [
        [[0, 1, 2, 3], 4],
        [[4, 5, 6, 7], 4],
        [[8, 9], 2],
      ],
    );
    const [dropped] = await epochs(levels(10), options);
    assert.deepEqual(dropped, kept!.slice(0, 2));
    for (const [dropLast, leftOut] of [
      [true, 2],
      [false, 0],
    ] as const) {
      await using loader = openLoader(sourceOf(levels(10)), grey, { ...options, dropLast });
      assert.equal(loader.leftOut, leftOut);
    }
  });

  test("of unlabelled images has no labels", async () => {
    const [seen] = await epochs(levels(2), { batchSize: 2, workers: 0 });
    assert.deepEqual(seen![0]!.labels, []);
  });
});

suite("any number of threads, and resuming, give the same batches", () => {
  const colour = asDecoded({
    width: 6,
    height: 6,
    scale: 1 / 255,
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.4],
  });
  const augmentation = parseAugmentation("flip,crop=2,shift=1/edge,rotate,colour=0.3,erase=2");

  async function mixed(): Promise<Image[]> {
    const pixels = (i: number) =>
      raw(
        8,
        8,
        3,
        Array.from({ length: 192 }, (_, at) => (at * 37 + i * 11) % 256),
      );
    return Promise.all(
      Array.from({ length: 23 }, async (_, i): Promise<Image> => {
        if (i === 5 || i === 6 || i === 21) return unreadable;
        if (i % 3 === 0) return pixels(i);
        const { data } = pixels(i);
        const jpeg = sharp(data, { raw: { width: 8, height: 8, channels: 3 } }).jpeg();
        return { kind: "encoded", bytes: i % 3 === 1 ? await png(pixels(i)) : await jpeg.toBuffer() };
      }),
    );
  }

  test("augmented, with unreadable images among them", async () => {
    const source = sourceOf(await mixed(), { labels: [...Array(23).keys()] });
    const options = { batchSize: 5, seed: 3, augmentation, dropLast: false };
    const runs = await Promise.all(
      [0, 1, 2, 3].map(async (workers) => {
        await using loader = openLoader(source, colour, { ...options, workers });
        const seen = await collect(loader.epoch(2));
        return { seen, unreadable: loader.unreadable.map(({ index }) => index).toSorted((a, b) => a - b) };
      }),
    );
    for (const run of runs) assert.deepEqual(run, runs[0]);
    assert.deepEqual(runs[0]!.unreadable, [5, 6, 21]);

    for (const workers of [0, 2]) {
      await using loader = openLoader(source, colour, { ...options, workers });
      assert.deepEqual(await collect(loader.epoch(2, { from: 3 })), runs[0]!.seen.slice(3));
    }
  });

  test("the same image is drawn anew each epoch", async () => {
    const image = raw(
      8,
      8,
      3,
      Array.from({ length: 192 }, (_, at) => at),
    );
    await using loader = openLoader(sourceOf([image]), colour, { batchSize: 1, augmentation, workers: 0 });
    const found = new Set<string>();
    for (let epoch = 0; epoch < 10; epoch++) found.add(String((await collect(loader.epoch(epoch)))[0]!.data));
    assert.equal(found.size, 10);
  });
});

test("threads that start do not disturb others that decode", async () => {
  const bytes = await png(raw(8, 8, 3, new Array(192).fill(7)));
  const source = sourceOf(Array.from({ length: 20 }, () => ({ kind: "encoded", bytes }) as const));
  for (let round = 0; round < 12; round++) {
    await Promise.all(
      [0, 1, 2, 3].map(async (workers) => {
        await using loader = openLoader(source, grey, { batchSize: 5, workers });
        await collect(loader.epoch(0));
        assert.deepEqual(loader.unreadable, []);
      }),
    );
  }
});

suite("unreadable images", () => {
  for (const workers of [0, 1]) {
    test(`the next readable one takes the place, and they are listed once (${workers} threads)`, async () => {
      const images = [
        level(0),
        unreadable,
        { kind: "file", path: "/nowhere/x.png" } as const,
        level(3),
        unreadable,
      ];
      const source = sourceOf(images, { labels: [0, 1, 2, 3, 4] });
      await using loader = openLoader(source, grey, { batchSize: 1, shuffle: false, workers });
      for (let epoch = 0; epoch < 2; epoch++) {
        const seen = await collect(loader.epoch(epoch));
        assert.deepEqual(
          seen.map(({ data, labels }) => [data[0], labels[0]]),
          [
            [0, 0],
            [3, 3],
            [3, 3],
            [3, 3],
            [0, 0],
          ],
        );
      }
      const listed = loader.unreadable.toSorted((a, b) => a.index - b.index);
      assert.deepEqual(
        listed.map(({ index, id }) => [index, id]),
        [
          [1, "image 1"],
          [2, "image 2"],
          [4, "image 4"],
        ],
      );
      assert.match(listed[0]!.reason, /image 1 cannot be read/);
    });
  }

  test("one is an error under strict, and so is a source of nothing else", async () => {
    const read = (images: Image[], strict: boolean) =>
      epochs(images, { batchSize: 2, workers: 1, shuffle: false, strict });
    await refused(() => read([level(0), unreadable], true), "IMAGES_UNREADABLE", /image 1 cannot be read/);
    await refused(
      () => read([unreadable, unreadable], false),
      "IMAGES_UNREADABLE",
      /None of the 2 images in memory/,
    );
  });

  test("a failure that is not the image's is not passed over", async () => {
    const source = sourceOf([level(0)], { image: () => Promise.reject(new TypeError("defect")) });
    await using loader = openLoader(source, grey, { batchSize: 1, workers: 0 });
    await assert.rejects(collect(loader.epoch(0)), TypeError);
  });
});

suite("memory", () => {
  test("queue and one batches are made before the consumer takes more", async () => {
    for (const workers of [0, 2]) {
      let asked = 0;
      const source = sourceOf(levels(200), {
        image: async (index) => {
          asked++;
          return level(index);
        },
      });
      await using loader = openLoader(source, grey, { batchSize: 10, workers, queue: 2 });
      const epoch = loader.epoch(0);
      await epoch.next();
      await sleep(100);
      assert.equal(asked, 30);
      await epoch.return?.();
    }
  });

  test("the buffers go round; one that was transferred away is replaced", async () => {
    await using loader = openLoader(sourceOf(levels(60)), grey, { batchSize: 2, workers: 1, queue: 2 });
    const transferred = new Set<number>();
    const values: number[] = [];
    for await (const { index, data } of loader.epoch(0)) {
      values.push(...data);
      if (index % 3 !== 0) continue;
      structuredClone(data, { transfer: [data.buffer] });
      transferred.add(index);
    }
    assert.equal(transferred.size, 10);
    assert.deepEqual(ascending(values), [...Array(60).keys()]);

    const buffers = new Set<ArrayBuffer>();
    await using inThread = openLoader(sourceOf(levels(60)), grey, { batchSize: 2, workers: 0, queue: 2 });
    for await (const { data } of inThread.epoch(0)) buffers.add(data.buffer);
    assert.equal(buffers.size, 3);
  });
});

suite("ending", () => {
  test("leaving an epoch early leaves the loader usable, and closing ends its threads", async () => {
    let running = 0;
    const count = (worker: Worker) => {
      running++;
      worker.once("exit", () => running--);
    };
    process.on("worker", count);
    const loader = openLoader(sourceOf(levels(100)), grey, { batchSize: 2, workers: 2 });
    for await (const { index } of loader.epoch(0)) if (index === 3) break;
    assert.equal((await collect(loader.epoch(1))).length, 50);
    assert.equal(running, 2);
    await loader.close();
    assert.equal(running, 0);
    await loader.close();
    process.off("worker", count);
  });

  test("a loader that nobody closed does not keep the process alive", async () => {
    const program = `
      import { openLoader, syntheticInspection, preprocessingFor } from "@cupel/vision";
      const loader = openLoader(syntheticInspection({ count: 8 }), preprocessingFor([1, 1, 64, 64]), { batchSize: 4, workers: 1 });
      for await (const { dims } of loader.epoch(0)) console.log(dims[0]);`;
    const ended = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      timeout: 60_000,
    });
    assert.equal(ended.stdout, "4\n4\n");
  });

  test("a closed loader gives no more batches, not even of an epoch under way", async () => {
    for (const workers of [0, 1]) {
      const loader = openLoader(sourceOf(levels(100)), grey, { batchSize: 2, workers });
      const epoch = loader.epoch(0);
      await epoch.next();
      await loader.close();
      await refused(() => epoch.next(), "LOADER_CLOSED", /closed/);
      await refused(() => loader.epoch(1).next(), "LOADER_CLOSED", /closed/);
    }
  });

  test("cancelling ends the epoch with CANCELLED", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    await using loader = openLoader(sourceOf(levels(100)), grey, { batchSize: 2, workers: 1, signal });
    const work = async () => {
      for await (const _ of loader.epoch(0)) controller.abort();
    };
    await refused(work, "CANCELLED", /Loading images was cancelled/);
  });

  test("a failure in a thread that is not an image's fails the epoch with its cause, and the thread goes on", async () => {
    // No image is -3 pixels wide.
    const impossible: Image = { ...raw(1, 1, 3, [1, 2, 3]), width: -3 };
    const source = sourceOf([level(0), impossible]);
    await using loader = openLoader(source, grey, { batchSize: 1, workers: 1, shuffle: false });
    const epoch = loader.epoch(0);
    await epoch.next();
    const thrown: unknown = await epoch.next().catch((reason) => reason);
    assert.ok(thrown instanceof CupelError);
    assert.equal(thrown.code, "INTERNAL");
    assert.match(thrown.message, /-3 x 1 pixels in 3 channels are not 3 bytes/);
    assert.ok(thrown.cause instanceof Error && thrown.cause.name === "RangeError");
    assert.equal((await loader.epoch(1).next()).value?.indices[0], 0);
  });

  test("a thread that dies fails the epoch, and the loader still closes", async () => {
    const worker = new Promise<Worker>((resolve) => process.once("worker", resolve));
    await using loader = openLoader(sourceOf(levels(8)), grey, { batchSize: 2, workers: 1, queue: 1 });
    const epoch = loader.epoch(0);
    await epoch.next();
    await (await worker).terminate();
    await refused(() => collect(epoch), "THREAD_CRASHED", /cupel-loader crashed/);
    await refused(() => collect(loader.epoch(1)), "THREAD_CRASHED", /crashed/);
  });
});

test("options out of range are refused", async () => {
  const open = (options: Partial<LoaderOptions>) => () =>
    openLoader(sourceOf(levels(3)), grey, { batchSize: 1, workers: 0, ...options });
  await refused(open({ batchSize: 0 }), "SELECTION_INVALID", /batchSize .* at least 1, not 0/);
  await refused(open({ batchSize: 4 }), "SELECTION_INVALID", /3 images, less than one batch of 4/);
  await refused(open({ workers: -1 }), "SELECTION_INVALID", /workers .* at least 0/);
  await refused(open({ queue: 0.5 }), "SELECTION_INVALID", /queue/);
  await refused(() => open({})().epoch(-1), "SELECTION_INVALID", /epoch/);
});
