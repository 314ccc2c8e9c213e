/** What pruning did to one model of the zoo, and docs/zoo-pruning.md of all of them. Pure. */
import type { Kept } from "../../model/compress/tools/remove-some.ts";
import type { Failed } from "./steps-apart.ts";

export interface PruneFigures {
  readonly groups: number;
  /** Of all groups. */
  readonly channels: number;
  readonly removed: number;
  /** Between the model without the channels and with the channels at zero: the largest of any layer or output, over its largest value. */
  readonly difference: number;
  /** The same between the model as it is and with the channels at zero: what removing them does. */
  readonly effect: number;
  readonly kept: readonly Kept[];
}

export type PruneOutcome = ({ readonly ok: true } & PruneFigures) | Failed;

export interface PruneRow {
  readonly model: string;
  /** Of the code that was tried. */
  readonly commit: string;
  readonly outcome: PruneOutcome;
}

/** What a model may be refused with. Any other code is a fault of pruning. */
export const refusals: ReadonlySet<string> = new Set([
  "ALREADY_QUANTISED",
  "BFLOAT16_UNSUPPORTED",
  "INPUT_UNSUPPORTED",
  "NOTHING_TO_PRUNE",
  "OUTPUTS_UNSTEADY",
]);

export function isFault({ outcome }: PruneRow): boolean {
  return !outcome.ok && !refusals.has(outcome.code);
}

export function summaryLine(rows: readonly PruneRow[]): string {
  const through = rows.flatMap(({ outcome }) => (outcome.ok ? [outcome] : []));
  const worst = Math.max(0, ...through.map(({ difference }) => difference));
  const stopped = rows.flatMap((row) =>
    row.outcome.ok ? [] : [{ code: row.outcome.code, isFault: isFault(row) }],
  );
  const named = (found: readonly { readonly code: string }[]) =>
    Array.from(
      Map.groupBy(found, ({ code }) => code),
      ([code, of]) => `${of.length} ${code}`,
    ).join(", ") || "none";
  return [
    `${rows.length} models: ${through.length} went through, the worst within ${worst.toExponential(1)} of the largest value`,
    `refused: ${named(stopped.filter((each) => !each.isFault))}`,
    `faults: ${named(stopped.filter((each) => each.isFault))}.`,
  ].join("; ");
}

const namedReasons = 3;

export function pageOf(rows: readonly PruneRow[]): string {
  return `${[
    "# Pruning the zoo",
    "",
    "Half of the channels of every group, at random, are taken out of each model of [the zoo](zoo.md), and what is left is held to the model with",
    "those channels at zero, in every layer and at the outputs. `node tools/zoo/prune.ts` writes this page; CONTRIBUTING.md says where the models come from.",
    "",
    `* ${summaryLine(rows)}`,
    `* Code: ${[...new Set(rows.map(({ commit }) => commit))].join(", ")}.`,
    "",
    "Difference is the largest of any layer's values, over the largest value of that layer, or of the outputs; effect is the same between the model",
    "as it was and with the channels at zero. Weights of which a whole tensor is one number are drawn anew, since they would agree whichever channels",
    "went. Outputs that follow from a choice, such as TopK's, are left out. Where the two differ, and the network with channels at zero differs",
    "from itself as much with the engine's optimiser off, another image is taken. What keeps channels is said for each node by",
    "`pruned.refusals` of a result.",
    "",
    "| model | groups | channels | removed | difference | effect | most that stay |",
    "|---|---|---|---|---|---|---|",
    ...rows.map(rowText),
    "",
    "## What keeps channels",
    "",
    "| operator | why channels stay | models | channels |",
    "|---|---|---|---|",
    ...reasonsText(rows),
  ].join("\n")}\n`;
}

function rowText({ model, outcome }: PruneRow): string {
  if (!outcome.ok) return `| ${model} | ${outcome.code} | | | | | ${cell(outcome.reason)} |`;
  const { groups, channels, removed, difference, effect, kept } = outcome;
  const most = kept
    .toSorted((a, b) => b.channels - a.channels)
    .slice(0, namedReasons)
    .map(({ operator, reason, channels: count }) => `${count}: ${operator}, ${reason}`);
  const cells = [model, groups, channels, removed, difference.toExponential(1), effect.toPrecision(2)];
  return `| ${[...cells, cell(most.join("; "))].join(" | ")} |`;
}

function reasonsText(rows: readonly PruneRow[]): string[] {
  const all = rows.flatMap(({ outcome }) => (outcome.ok ? outcome.kept : []));
  const groups = Map.groupBy(all, ({ operator, reason }) => `${operator} | ${cell(reason)}`);
  return Array.from(groups, ([what, kept]) => ({
    what,
    models: kept.length,
    channels: kept.reduce((sum, { channels }) => sum + channels, 0),
  }))
    .sort((a, b) => b.models - a.models || b.channels - a.channels)
    .map(({ what, models, channels }) => `| ${what} | ${models} | ${channels} |`);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
