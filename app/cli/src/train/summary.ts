/** What a person reads when a training has ended. Pure: figures in, text out. */
import { bytesText, threeDigits } from "@cupel/base";
import type { EpochMetrics, FitResult } from "@cupel/train";
import { profileFacts, type WrittenProfile } from "../profile/profiled.ts";
import { durationText, numberOf, percentText } from "../terminal/figures.ts";
import { factsText, tableText } from "../terminal/table.ts";

export interface Trained {
  readonly path: string;
  readonly result: FitResult;
  readonly profile: WrittenProfile | null;
  /** A sentence; null when memory was not watched. */
  readonly memory: string | null;
  readonly bytes: number;
  /** Null when none was written. */
  readonly checkpoint: string | null;
  /** Its folder. */
  readonly history: string;
}

export function summaryText({ path, bytes, result, checkpoint, history, profile, memory }: Trained): string {
  const facts: (readonly [string, string])[] = [
    ["model", `${path}, ${bytesText(bytes)}`],
    ["epoch", epochText(result)],
    ["training", effortText(result.history)],
    ["parameters", parametersText(result.parameters)],
    ["history", history],
    ...(checkpoint ? [["checkpoint", checkpoint] as const] : []),
    ...(memory ? [["memory", memory] as const] : []),
    ...profileFacts(profile),
  ];
  return `${historyTable(result.history)}\n\n${factsText(facts)}`;
}

function epochText({ epoch, history, stopped }: FitResult): string {
  const { validationAccuracy } = history[epoch - 1]!;
  const judged =
    validationAccuracy === null
      ? "not validated"
      : `${percentText(validationAccuracy)} of the validation images right`;
  const end = stopped === "early" ? "; stopped early: no epoch was better" : "";
  return `${epoch} of ${history.length}, ${judged}${end}`;
}

function effortText(history: readonly EpochMetrics[]): string {
  const seconds = history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const images = history.reduce((sum, epoch) => sum + epoch.imagesPerSecond * epoch.seconds, 0);
  return `${numberOf(history.length, "epoch")} in ${durationText(1000 * seconds)}, ${threeDigits(images / seconds)} images/s`;
}

/** Frozen and constant ones by the first of their names. */
function parametersText({ trained, frozen, constant }: FitResult["parameters"]): string {
  const count = (names: readonly string[], what: string) =>
    `${names.length} ${what}${names.length === 0 ? "" : ` (${firstOf(names)})`}`;
  return `${trained.length} trained, ${count(frozen, "frozen")}, ${count(constant, "constant")}`;
}

function firstOf(names: readonly string[]): string {
  const few = names.slice(0, 2).join(", ");
  return names.length > 2 ? `${few}, ...` : few;
}

interface Column {
  readonly title: string;
  cell(epoch: EpochMetrics): string;
}

const orDash = (value: number | null, text: (value: number) => string) =>
  value === null ? "-" : text(value);

const columns: readonly Column[] = [
  { title: "epoch", cell: ({ epoch }) => String(epoch) },
  { title: "learning rate", cell: ({ learningRate }) => learningRate.toPrecision(2) },
  { title: "loss", cell: ({ loss }) => loss.toFixed(4) },
  { title: "right", cell: ({ accuracy }) => percentText(accuracy) },
  {
    title: "validation loss",
    cell: ({ validationLoss }) => orDash(validationLoss, (loss) => loss.toFixed(4)),
  },
  { title: "right", cell: ({ validationAccuracy }) => orDash(validationAccuracy, percentText) },
  { title: "images/s", cell: ({ imagesPerSecond }) => threeDigits(imagesPerSecond) },
];

function historyTable(history: readonly EpochMetrics[]): string {
  return tableText([
    columns.map(({ title }) => title),
    ...history.map((epoch) => columns.map((column) => column.cell(epoch))),
  ]);
}
