/** The texts that a model reads in a source of images, measured against those that a table gives. */
import { type Proportion, proportion } from "@cupel/base";
import { type ImageSource, readImageTexts, visionErrors } from "@cupel/vision";
import { agreementFigure } from "../task/agreement-figure.ts";
import { type PairedDifference, pairedDifference } from "../task/paired-difference.ts";
import type { EvaluatedImages, TaskEvaluation, TaskFigure } from "../task/task.ts";
import { editDistance } from "./edit-distance.ts";

export interface TextPrediction {
  /** The characters; where nobody names them, the numbers of their classes with blanks between. */
  readonly text: string;
  /** Mean probability of the characters, 0 to 1; 0 where none is read. */
  readonly confidence: number;
  /** Of the characters, without CTC's blanks. */
  readonly classes: readonly number[];
  /** Whether somebody says for which characters the classes stand. */
  readonly isNamed: boolean;
}

/** For the images that could be read, in the order of the source. */
export interface SequenceEvaluation extends EvaluatedImages {
  readonly texts: readonly string[];
  /** What stands in the images; null without labels. */
  readonly labels: readonly string[] | null;
  /** Images whose text is read without a fault; null without labels. */
  readonly exact: Proportion | null;
  /** Characters to put in, take out and change, as a share of those of the labels; null without labels, or without a character in them. */
  readonly characterErrorRate: number | null;
  /** In the labels. */
  readonly characters: number;
}

export interface SequenceDifference {
  /** Images for which both read the same text. */
  readonly agreement: Proportion;
  /** Share of exact texts of the second minus that of the first; null without labels. */
  readonly difference: PairedDifference | null;
}

/** Column of the table. */
const column = "text";

/** Texts are compared without blanks around them and in Unicode's NFC, as what one sees. */
const seen = (text: string): string => text.trim().normalize("NFC");

/** @param path of a table with the columns file and text; null for none. */
export function evaluateTexts(
  images: ImageSource,
  path: string | null,
): TaskEvaluation<TextPrediction, SequenceEvaluation> {
  const indices: number[] = [];
  const texts: string[] = [];
  const labels: string[] = [];
  let table: Promise<readonly string[]> | null = null;
  return {
    async add(index, { text, isNamed }) {
      indices.push(index);
      texts.push(seen(text));
      if (path === null) return;
      if (!isNamed) throw nameless(path);
      table ??= readImageTexts(path, column, images);
      labels.push(seen((await table)[index]!));
    },
    result(unreadable) {
      const common = { indices, unreadable, texts };
      if (path === null) {
        return { ...common, labels: null, exact: null, characterErrorRate: null, characters: 0 };
      }
      const characters = labels.reduce((sum, label) => sum + Array.from(label).length, 0);
      const edits = labels.reduce((sum, label, i) => sum + editDistance(label, texts[i]!), 0);
      return {
        ...common,
        labels,
        exact: proportion(labels.filter((label, i) => label === texts[i]).length, labels.length),
        characterErrorRate: characters === 0 ? null : edits / characters,
        characters,
      };
    },
  };
}

function nameless(path: string) {
  return visionErrors.error(
    "LABELS_MISMATCH",
    `${path} has texts, but nothing says for which characters the classes of the model stand. Give them, one a line in the order of the classes.`,
    { details: { path } },
  );
}

/** Both MUST be of the same source. Images that either could not read are left out. */
export function compareTexts(first: SequenceEvaluation, second: SequenceEvaluation): SequenceDifference {
  const place = new Map(second.indices.map((index, at) => [index, at]));
  let [shared, same, lost, gained] = [0, 0, 0, 0];
  for (const [at, index] of first.indices.entries()) {
    const there = place.get(index);
    if (there === undefined) continue;
    const [before, after] = [first.texts[at]!, second.texts[there]!];
    const label = first.labels?.[at];
    shared++;
    if (before === after) same++;
    if (before === label && after !== label) lost++;
    if (before !== label && after === label) gained++;
  }
  const difference = first.labels === null ? null : pairedDifference(lost, gained, shared);
  return { agreement: proportion(same, shared), difference };
}

export function textFigures({ exact, characterErrorRate, characters }: SequenceEvaluation): TaskFigure[] {
  if (exact === null) return [];
  const exactly = agreementFigure("exact match", exact);
  if (characterErrorRate === null) return [exactly];
  const of = `${characters} characters in ${exact.of} images`;
  const errors = { name: "character error rate", unit: "share" as const, interval: null, of };
  return [exactly, { ...errors, value: characterErrorRate }];
}

export function textDifferences({ agreement, difference }: SequenceDifference): TaskFigure[] {
  const same = agreementFigure("same text", agreement);
  if (difference === null) return [same];
  const { value, low, high } = difference;
  const of = `${agreement.of} images`;
  return [same, { name: "difference of exact match", unit: "share", value, interval: { low, high }, of }];
}
