/**
 * Labels meet classes: which class of the model a label of the images means. Training, compression and
 * evaluation all ask here, so that none of them counts a wrong class as right.
 *
 * The rule: where both sides have names, a label meets the class of its name, whatever the orders. Only names
 * with labelled images count, so that a part of the classes will do. Where a side has no names, the label is the
 * index of a class, and whoever tells a figure says so. Labels that are no class are refused: ten folders are
 * ten other classes than the thousand of a model, although every label of theirs is below 1000.
 */
import {
  areNumbersInTextOrder,
  areSameNames,
  classFinder,
  type ImageSource,
  numberedClassFinder,
  visionErrors,
} from "@cupel/vision";
import { listed, twiceProblem, unknownProblem } from "./label-problems.ts";
import type { ModelClasses } from "./model-classes.ts";

/** How labels met the classes; null where the images have no labels. */
export type LabelsBy = "name" | "index" | null;

export interface MatchedLabels {
  /** The same images; `label(index)` is a class of the model, or null where the image has no label. */
  readonly images: ImageSource;
  readonly by: LabelsBy;
}

export type LabelMatch =
  | (MatchedLabels & { readonly problem: null })
  | {
      readonly images: null;
      readonly by: null;
      /** A sentence without its full stop. */
      readonly problem: string;
      /** How many of the names with images the model knows: 0 where the labels are about something else. */
      readonly known: number;
      /** For the details of an error. */
      readonly unknown: readonly string[];
    };

/** Images without labels fit every model. Matching what was matched changes nothing. */
export function matchLabels(images: ImageSource, classes: ModelClasses): LabelMatch {
  if (!images.labelled) return { images, by: null, problem: null };
  const used = usedLabels(images);
  const { names } = classes;
  if (names === null) return matchOrder(images, classes, used);
  const given = images.classes;
  if (given === null) {
    const find = numberedClassFinder(names);
    return find === null
      ? matchOrder(images, classes, used)
      : matchNames(images, names, used, (label) => find(label), String);
  }
  if (areSameNames(given, names)) {
    const problem = beyondProblem(images, names.length, used);
    return problem === null ? { images, by: "name", problem } : refusedMatch(problem);
  }
  const find = classFinder(names);
  const nameOf = (label: number) => given[label]!;
  const named = new Map([...used].filter(([label]) => label < given.length));
  const match = matchNames(images, names, named, (label) => find(nameOf(label)), nameOf);
  return match.problem === null && named.size < used.size
    ? refusedMatch(`${images.location} has labels beyond its ${given.length} class names`)
    : match;
}

/** What `matchLabels` gives. @throws LABELS_MISMATCH */
export function requireLabels(images: ImageSource, classes: ModelClasses): MatchedLabels {
  const match = matchLabels(images, classes);
  if (match.problem === null) return match;
  throw visionErrors.error(
    "LABELS_MISMATCH",
    `${match.problem}. Choose other labels or class names, or check that images and model belong together.`,
    {
      details: {
        location: images.location,
        classes: classes.count,
        names: classes.names,
        unknown: match.unknown,
      },
    },
  );
}

/** The same images, their labels forgotten. */
export function withoutLabels(images: ImageSource): ImageSource {
  return { ...images, labelled: false, classes: null, label: () => null };
}

/** What a person should know of labels that met by index; null for others. @param classes of the model. */
export function orderSentence(by: LabelsBy, { names }: ModelClasses): string | null {
  if (by !== "index") return null;
  const because =
    names === null
      ? "the model does not name its classes"
      : "the labels of the images are numbers, not names";
  return `Labels met the classes by their order, because ${because}: the accuracy is right only where both have the same order.`;
}

/** Every label that an image has, with the first image that has it. */
function usedLabels(images: ImageSource): ReadonlyMap<number, number> {
  const used = new Map<number, number>();
  for (let i = 0; i < images.length; i++) {
    const label = images.label(i);
    if (label !== null && !used.has(label)) used.set(label, i);
  }
  return new Map([...used].sort(([a], [b]) => a - b));
}

function matchNames(
  images: ImageSource,
  names: readonly string[],
  used: ReadonlyMap<number, number>,
  find: (label: number) => readonly number[],
  nameOf: (label: number) => string,
): LabelMatch {
  const classOf = new Map<number, number>();
  const unknown: string[] = [];
  let twice: { readonly name: string; readonly classes: readonly number[] } | null = null;
  for (const label of used.keys()) {
    const found = find(label);
    if (found.length === 0) unknown.push(nameOf(label));
    else if (found.length > 1) twice ??= { name: nameOf(label), classes: found };
    else classOf.set(label, found[0]!);
  }
  const known = used.size - unknown.length;
  if (unknown.length > 0) {
    const met = new Set(classOf.values());
    const free = names.filter((_, index) => !met.has(index));
    const problem = unknownProblem(images.location, unknown, names, free);
    return { images: null, by: null, problem, known, unknown };
  }
  if (twice !== null) {
    const problem = twiceProblem(images.location, twice.name, twice.classes);
    return { images: null, by: null, problem, known, unknown };
  }
  const label = (index: number): number | null => {
    const own = images.label(index);
    return own === null ? null : (classOf.get(own) ?? null);
  };
  return { images: { ...images, classes: names, label }, by: "name", problem: null };
}

function matchOrder(
  images: ImageSource,
  { count }: ModelClasses,
  used: ReadonlyMap<number, number>,
): LabelMatch {
  const problem = (count === null ? null : countProblem(images, count, used)) ?? numbersProblem(images);
  return problem === null ? { images, by: "index", problem } : refusedMatch(problem);
}

function refusedMatch(problem: string): LabelMatch {
  return { images: null, by: null, problem, known: 0, unknown: [] };
}

function countProblem(images: ImageSource, count: number, used: ReadonlyMap<number, number>): string | null {
  const { location, classes } = images;
  if (classes !== null && classes.length !== count) {
    return `${location} has ${classes.length} classes, but the model tells ${count} apart`;
  }
  return beyondProblem(images, count, used);
}

function beyondProblem(images: ImageSource, count: number, used: ReadonlyMap<number, number>): string | null {
  const beyond = [...used].filter(([label]) => label >= count);
  if (beyond.length === 0) return null;
  const [label, first] = beyond.reduce((one, other) => (other[1] < one[1] ? other : one));
  const largest = beyond.reduce((most, [each]) => Math.max(most, each), 0);
  return (
    `${images.location} has labels for ${largest + 1} classes, but the model tells ${count} apart: ` +
    `label ${label} of ${images.id(first)} is beyond its ${count} classes (0 to ${count - 1})`
  );
}

function numbersProblem({ location, classes }: ImageSource): string | null {
  if (classes === null || !areNumbersInTextOrder(classes)) return null;
  const counted = [...classes].sort((a, b) => Number(a) - Number(b));
  const at = classes.findIndex((name, i) => name !== counted[i]);
  return (
    `The classes of ${location} are numbers in the order of text (${listed(classes, 4)}), and the model does not name its classes: ` +
    `its class ${at} may be ${JSON.stringify(classes[at])} or ${JSON.stringify(counted[at])}. Give a file of the names in the model's order, one a line, with --classes`
  );
}
