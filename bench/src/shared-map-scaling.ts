/**
 * Reads by one worker, and by two at once. Two controls say what this machine gives for a second thread at that
 * moment: arithmetic, whether it has a core; and a Map of its own in each worker, what is left of caches that
 * two working sets share.
 */

import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Spread, spreadOf } from "@cupel/base";

import type { Contenders } from "./shared-map-contenders.ts";
import type { ReaderName, ReaderResult, ScalingWorkerData } from "./shared-map-worker.ts";

const turnMs = 200;

const readerNames = [
  "arithmetic, no map",
  "Map get, one for each worker",
  "Cupel has",
  "Cupel get number",
  "lmdb get number",
  "sharedmap get number",
] as const satisfies readonly ReaderName[];

export interface Scaling {
  readonly millionReadsPerSecondOfOne: Spread;
  readonly millionReadsPerSecondOfTwo: Spread;
  /** Of two over one, by round. */
  readonly ratio: Spread;
}

export async function measureScaling(
  { set, cupel, peer }: Contenders,
  lmdbPath: string,
  rounds: number,
  signal: AbortSignal,
): Promise<Record<ReaderName, Scaling>> {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const workerData: ScalingWorkerData = { handle: cupel.handle, lmdbPath, peer, count: set.count, control };
  const workers = [start(workerData), start(workerData)];
  try {
    await Promise.all(workers.map((worker) => nextMessage(worker)));
    const rates = new Map(readerNames.map((name) => [name, { one: [] as number[], two: [] as number[] }]));
    for (let round = 0; round <= rounds; round++) {
      for (let place = 0; place < readerNames.length; place++) {
        const name = readerNames[(place + round) % readerNames.length]!;
        // The pair first in every second round, and alone now the one, now the other.
        const alone = [workers[(round >> 1) % 2]!];
        const turns = round % 2 === 0 ? [alone, workers] : [workers, alone];
        for (const turn of turns) {
          signal.throwIfAborted();
          const rate = await readAtOnce(turn, name, set.count, control);
          if (round > 0) rates.get(name)![turn === alone ? "one" : "two"].push(rate);
        }
      }
    }
    return Object.fromEntries(
      readerNames.map((name) => {
        const { one, two } = rates.get(name)!;
        return [
          name,
          {
            millionReadsPerSecondOfOne: spreadOf(one),
            millionReadsPerSecondOfTwo: spreadOf(two),
            ratio: spreadOf(two.map((rate, round) => rate / one[round]!)),
          },
        ] as const;
      }),
    ) as Record<ReaderName, Scaling>;
  } finally {
    const ended = workers.map((worker) => once(worker, "exit"));
    for (const worker of workers) worker.postMessage("close");
    await Promise.all(ended);
  }
}

function start(workerData: ScalingWorkerData): Worker {
  return new Worker(new URL("./shared-map-worker.ts", import.meta.url), { workerData });
}

/** Million reads a second of all workers together, each by the time that it was at work. */
async function readAtOnce(
  workers: readonly Worker[],
  name: ReaderName,
  count: number,
  control: Int32Array<SharedArrayBuffer>,
): Promise<number> {
  control.fill(0);
  const results = Promise.all(workers.map((worker) => nextMessage(worker)));
  workers.forEach((worker, i) => {
    worker.postMessage({ name, from: (i * count) / 2 });
  });
  for (let ready = 0; ready < workers.length; ready = Atomics.load(control, 0)) {
    await Atomics.waitAsync(control, 0, ready, 1000).value;
  }
  Atomics.store(control, 1, 1);
  Atomics.notify(control, 1);
  await sleep(turnMs);
  Atomics.store(control, 1, 2);
  return (await results).reduce((sum: number, result) => {
    const { operations, hits, milliseconds } = result as ReaderResult;
    if (hits !== operations) throw new Error(`"${name}" found ${hits} of ${operations} keys.`);
    return sum + operations / milliseconds / 1000;
  }, 0);
}

async function nextMessage(worker: Worker): Promise<unknown> {
  return (await once(worker, "message"))[0];
}
