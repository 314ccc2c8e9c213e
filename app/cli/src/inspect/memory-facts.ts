/** Where a model's memory is, predicted and measured: for `cupel inspect --memory`. Pure: figures in, text and JSON out. */
import { bytesText } from "@cupel/base";
import type { MemoryPrediction, MemoryReport } from "@cupel/runtime";
import { numberOf } from "../terminal/figures.ts";
import { factsText, tableText } from "../terminal/table.ts";

/** Nodes listed that hold most. */
const listed = 10;

/** What shares the memory of another value, by how. */
function sharedOf({ values }: MemoryPrediction["activations"]) {
  const count = (how: string) => values.filter((value) => value.in?.how === how).length;
  return { alias: count("alias"), inPlace: count("in place"), freed: count("freed") };
}

export function memoryText(predicted: MemoryPrediction, measured: MemoryReport): string {
  const { weights, inputs, activations, loading, running, peak } = predicted;
  const { values, unsized, unfollowed } = activations;
  const { alias, inPlace, freed } = sharedOf(activations);
  const known = (bytes: number | null) => (bytes === null ? "not told by this system" : bytesText(bytes));
  const facts: (readonly [string, string])[] = [
    [
      "weights",
      `${bytesText(weights.stored)} stored, ${bytesText(weights.inside)} of that in the model's own file; ` +
        `${bytesText(weights.folded)} as the engine folds them, ${bytesText(weights.packed)} of that packed for its kernels`,
    ],
    ["fed", bytesText(inputs)],
    [
      "activations",
      `${bytesText(activations.peakBytes)} at most, ${bytesText(activations.neededBytes)} of that needed at once; of ${numberOf(values.length, "value")} ` +
        `${inPlace} in place of an input, ${freed} in memory that was freed, ${alias} the same as an input`,
    ],
    [
      "predicted",
      `${bytesText(loading)} while it is loaded, ${bytesText(running)} while it runs: ${bytesText(peak)}`,
    ],
    [
      "measured",
      `${known(measured.anonymous)} anonymous, ${known(measured.aboveBare)} above a bare process, ${known(measured.wholeProcess)} the whole process`,
    ],
    ...(measured.anonymous === null
      ? []
      : [
          [
            "not predicted",
            `${bytesText(Math.abs(measured.anonymous - peak))} ${measured.anonymous < peak ? "less" : "more"}: kernels' workspaces, the engine's own, and how allocators round`,
          ] as const,
        ]),
    ...(unsized.length === 0 ? [] : [["of unknown size", unsized.slice(0, 5).join(", ")] as const]),
    ...(unfollowed.length === 0 ? [] : [["not looked into", unfollowed.slice(0, 5).join(", ")] as const]),
  ];
  return `${factsText(facts)}\n\n${stepsText(activations)}`;
}

/** The nodes that hold most, in the order in which they run. */
function stepsText({ steps, values, peakBytes }: MemoryPrediction["activations"]): string {
  const rows = steps
    .map((step, at) => ({ ...step, at }))
    .toSorted((a, b) => b.heldBytes - a.heldBytes || a.at - b.at)
    .slice(0, listed)
    .toSorted((a, b) => a.at - b.at);
  return tableText([
    ["", "node", "held", "needed", "made in", "sets the peak"],
    ...rows.map(({ at, label, heldBytes, neededBytes }) => [
      String(at + 1),
      label,
      bytesText(heldBytes),
      bytesText(neededBytes),
      values
        .filter(({ madeAt }) => madeAt === at)
        .map((value) => (value.in === null ? "memory of its own" : `${value.in.how}: ${value.in.value}`))
        .join(", "),
      heldBytes === peakBytes ? "yes" : "",
    ]),
  ]);
}
