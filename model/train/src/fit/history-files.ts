/**
 * The history of a training on the disk while it runs: a row of history.csv and a TensorBoard event for each epoch, when
 * it ends. Whoever reads them while the training writes finds whole rows.
 *
 * A resumed training writes the epochs of its checkpoint anew: what a killed one had told of later epochs is not its own
 * past. The table is replaced; TensorBoard is told to forget them, in a file of this run.
 */
import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeError, writeFileAtomically } from "@cupel/base";
import { bestEpoch, type EpochMetrics, type Metric } from "./history.ts";
import { scalarsRecord, startRecord, versionRecord } from "./tensorboard-events.ts";

export interface HistoryFiles {
  /** @param history of all epochs, the one that has just ended last. @throws DISK_FULL, WRITE_FAILED */
  epochEnded(history: readonly EpochMetrics[]): Promise<void>;
}

/** The table in a folder of history. */
export function historyTableIn(folder: string): string {
  return join(folder, "history.csv");
}

/**
 * Nothing is written before the first epoch of this run has ended.
 * @param metric decides which epoch is best so far
 */
export function historyFilesIn(folder: string, metric: Metric): HistoryFiles {
  const table = historyTableIn(folder);
  let events: string | null = null;
  return {
    async epochEnded(history) {
      const { epoch } = history.at(-1)!;
      const time = Date.now() / 1000;
      if (events === null) {
        events = eventFileIn(folder, time);
        const rows = history.map((_, i) => rowOf(history.slice(0, i + 1), metric));
        await writeFileAtomically(table, [header, ...rows].map((row) => `${row}\n`).join(""));
        await append(events, Buffer.concat([versionRecord(time), startRecord(time, epoch)]));
      } else {
        await append(table, `${rowOf(history, metric)}\n`);
      }
      await append(events, scalarsRecord({ time, step: epoch, scalars: scalarsOf(history.at(-1)!) }));
    },
  };
}

/** A name as TensorBoard looks for, that no other run has. */
function eventFileIn(folder: string, time: number): string {
  return join(
    folder,
    `events.out.tfevents.${Math.floor(time)}.${hostname()}.${process.pid}.${randomUUID().slice(0, 8)}`,
  );
}

async function append(path: string, data: Buffer | string): Promise<void> {
  await appendFile(path, data).catch((thrown: unknown) => {
    throw writeError(path, thrown);
  });
}

interface Column {
  readonly name: string;
  /** Null where there is none. */
  value(epoch: EpochMetrics, best: EpochMetrics | null): number | null;
}

const columns: readonly Column[] = [
  { name: "epoch", value: ({ epoch }) => epoch },
  { name: "learningRate", value: ({ learningRate }) => learningRate },
  { name: "loss", value: ({ loss }) => loss },
  { name: "accuracy", value: ({ accuracy }) => accuracy },
  { name: "validationLoss", value: ({ validationLoss }) => validationLoss },
  { name: "validationAccuracy", value: ({ validationAccuracy }) => validationAccuracy },
  { name: "imagesPerSecond", value: ({ imagesPerSecond }) => imagesPerSecond },
  { name: "seconds", value: ({ seconds }) => seconds },
  { name: "skipped", value: ({ skipped }) => skipped },
  { name: "best", value: (_, best) => best?.epoch ?? null },
];

const header = columns.map(({ name }) => name).join(",");

function rowOf(history: readonly EpochMetrics[], metric: Metric): string {
  const best = bestEpoch(history, metric);
  return columns.map(({ value }) => value(history.at(-1)!, best) ?? "").join(",");
}

function scalarsOf(epoch: EpochMetrics): Readonly<Record<string, number>> {
  const { validationLoss, validationAccuracy } = epoch;
  return {
    "loss/train": epoch.loss,
    ...(validationLoss === null ? {} : { "loss/validation": validationLoss }),
    "accuracy/train": epoch.accuracy,
    ...(validationAccuracy === null ? {} : { "accuracy/validation": validationAccuracy }),
    learningRate: epoch.learningRate,
    imagesPerSecond: epoch.imagesPerSecond,
  };
}
