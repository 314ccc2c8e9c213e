/** Where the memory of a model is, as rows of tables. Pure: a plan in, words and shares out. */
import type { MemoryPlanReport, MemoryReport } from "@cupel/report";
import { bytesText, isFigure } from "../../../shared/view/number-text.ts";

type PlannedValue = NonNullable<MemoryPlanReport["values"]>[number];

export interface PeakRow {
  /** From 1, in the order of the run. */
  readonly place: number;
  readonly node: string;
  readonly heldBytes: number;
  readonly neededBytes: number;
  /** Whose memory what it makes lies in. */
  readonly makes: string;
  readonly setsPeak: boolean;
}

/** The nodes that hold most, in the order in which they run. */
export function peakRows({ nodes, values = [], activationBytes }: MemoryPlanReport, most: number): PeakRow[] {
  return nodes
    .map(({ node, heldBytes, neededBytes }, at) => ({
      place: at + 1,
      node,
      heldBytes,
      neededBytes,
      makes: values.flatMap((value) => (value.madeAt === at ? [placeText(value)] : [])).join(", "),
      setsPeak: heldBytes === activationBytes,
    }))
    .toSorted((a, b) => b.heldBytes - a.heldBytes || a.place - b.place)
    .slice(0, most)
    .toSorted((a, b) => a.place - b.place);
}

export interface ValueRow {
  readonly name: string;
  /** "1.2 MB of its own", "in place of conv1" */
  readonly where: string;
  /** Shares of the run, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  /** "nodes 3 to 7" */
  readonly lives: string;
}

/** Every value with its lifetime. */
export function valueRows({ nodes, values = [] }: MemoryPlanReport): ValueRow[] {
  return values.map((value) => {
    const last = Math.min(value.lastReadAt, nodes.length - 1);
    return {
      name: value.name,
      where: placeText(value),
      from: value.madeAt / nodes.length,
      to: (last + 1) / nodes.length,
      lives:
        value.lastReadAt >= nodes.length
          ? `node ${value.madeAt + 1} to the end`
          : `nodes ${value.madeAt + 1} to ${value.lastReadAt + 1}`,
    };
  });
}

const sharing: Readonly<Record<NonNullable<PlannedValue["in"]>["how"], string>> = {
  alias: "the same as",
  "in place": "in place of",
  freed: "in what was freed of",
};

function placeText({ bytes, in: place }: PlannedValue): string {
  return place === null ? `${bytesText(bytes)} of its own` : `${sharing[place.how]} ${place.value}`;
}

/** What is predicted beside what was measured; what is not known is left out. */
export function memoryFacts(plan: MemoryPlanReport, measured: MemoryReport): (readonly [string, string])[] {
  const predicted = Math.max(plan.loadingBytes, plan.runningBytes);
  const { anonymousBytes } = measured;
  return [
    ["Weights in the files", bytesText(plan.storedBytes)],
    ["As the engine folds them", bytesText(plan.foldedBytes)],
    ["Copied for its kernels", bytesText(plan.packedBytes)],
    ["Fed", bytesText(plan.inputBytes)],
    ["Activations, at most", bytesText(plan.activationBytes)],
    ["Of that needed at once", bytesText(plan.neededBytes)],
    ["Predicted while it is loaded", bytesText(plan.loadingBytes)],
    ["Predicted while it runs", bytesText(plan.runningBytes)],
    ...(isFigure(anonymousBytes)
      ? [
          ["Measured, anonymous", bytesText(anonymousBytes)] as const,
          [
            "Not predicted: workspaces, the engine's own",
            bytesText(Math.max(0, anonymousBytes - predicted)),
          ] as const,
        ]
      : []),
  ];
}
