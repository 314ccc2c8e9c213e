/** A diagnosis in a sentence: what grows, how fast, how sure that is, and what was only warm-up. */
import { type Growth, type MemoryDiagnosis, type MemoryPart, neededCollections } from "./memory-diagnosis.ts";

/** What memory was sampled by. */
export type MemoryClock = "step" | "second";

const partNames: Readonly<Record<MemoryPart, string>> = {
  heap: "the JavaScript heap",
  external: "array buffers",
  native: "native memory",
};

/** @param stepsPerEpoch so that growth is told for an epoch too */
export function memoryVerdict(
  diagnosis: MemoryDiagnosis,
  clock: MemoryClock,
  stepsPerEpoch?: number,
): string {
  if (diagnosis.kind === "too-few-samples") {
    return `Too short to judge memory: ${diagnosis.samples} samples of at least ${diagnosis.needed}.`;
  }
  const { kind, part, parts, resident, collections, collectedSpan } = diagnosis;
  const growth = kind === "leak" ? parts[part] : resident;
  const span = `${Math.round(diagnosis.span - growth.warmUp.span)} ${clock}s`;
  const epoch = stepsPerEpoch === undefined ? "" : `, ${bytesText(growth.slope * stepsPerEpoch)} an epoch`;
  const rate = `${rateText(growth, clock)}${epoch}`;
  const seldom =
    collections < neededCollections
      ? `${collections} times`
      : `in ${Math.round(collectedSpan)} of ${Math.round(diagnosis.span)} ${clock}s`;
  const sentences: Readonly<Record<typeof kind, string>> = {
    leak: `Memory grows ${rate}: ${partNames[part]}, ${bytesText(growth.total)} in ${span}.`,
    "no-leak": `No leak: memory changes by ${rate} over ${span}.`,
    undecided:
      `Memory grows ${rate}, ${bytesText(growth.total)} in ${span}, but the whole JavaScript heap was collected only ${seldom}: ` +
      "too short to tell garbage from a leak. Run longer.",
  };
  return [sentences[kind], ...warmUpText(growth, clock)].join(" ");
}

/** "0.42 MB a step (95 % 0.38 .. 0.47)": one unit for all three. */
function rateText({ slope, interval: [low, high] }: Growth, clock: MemoryClock): string {
  const unit = unitFor(slope);
  const of = (bytes: number) => significant(bytes / unit.bytes);
  return `${of(slope)} ${unit.name} a ${clock} (95 % ${of(low)} .. ${of(high)})`;
}

function warmUpText({ warmUp }: Growth, clock: MemoryClock): string[] {
  if (warmUp.bytes < units[1].bytes) return [];
  return [`The ${bytesText(warmUp.bytes)} of the first ${Math.round(warmUp.span)} ${clock}s are warm-up.`];
}

/** Decimal, as the rest of the house counts. */
const units = [
  { bytes: 1e9, name: "GB" },
  { bytes: 1e6, name: "MB" },
  { bytes: 1e3, name: "KB" },
] as const;

function unitFor(bytes: number) {
  return units.find((unit) => Math.abs(bytes) >= 0.1 * unit.bytes) ?? units[2];
}

function bytesText(bytes: number): string {
  const unit = unitFor(bytes);
  return `${significant(bytes / unit.bytes)} ${unit.name}`;
}

/** Two digits, or all of the whole part. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (size < 0.005) return "0";
  return value.toFixed(size >= 9.95 ? 0 : size >= 0.995 ? 1 : 2);
}
