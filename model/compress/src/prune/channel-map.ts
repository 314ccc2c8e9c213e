/**
 * Which channel of a value is which of another, where operators move channels about: pure arithmetic on places. A value
 * has its channels along one axis, with a label for each place; Flatten, say, makes a run of places of every channel.
 *
 * Where an axis is divided among several, as by a channel shuffle or a PixelShuffle, no one axis tells the channel any more.
 * The channels that share a place along the axis that tells most of them are then united: they go together.
 */
import type { Shape } from "@cupel/onnx";
import type { Labels } from "./coupling.ts";

export interface Channels {
  readonly axis: number;
  /** One for each place along the axis. */
  readonly labels: Labels;
}

/** Most elements of a block of axes whose places are worked out one by one. */
const largestBlock = 2 ** 22;

export function joinedLabels(parts: readonly Labels[]): Labels {
  const all = new Int32Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `times` places for each label, one behind the other. */
export function repeatedLabels(labels: Labels, times: number): Labels {
  return Int32Array.from({ length: labels.length * times }, (_, i) => labels[Math.floor(i / times)]!);
}

export function gatheredLabels(labels: Labels, indices: readonly number[]): Labels {
  return Int32Array.from(indices, (index) => labels[index < 0 ? index + labels.length : index]!);
}

export function transposed({ axis, labels }: Channels, permutation: readonly number[]): Channels {
  return { axis: permutation.indexOf(axis), labels };
}

/** How many places of each label stand side by side, throughout: 1, or the size of a map that was flattened. */
export function runLength(labels: Labels): number {
  let run = 1;
  while (run < labels.length && labels[run] === labels[0]) run++;
  if (labels.length % run !== 0) return 1;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== labels[i - (i % run)]) return 1;
  }
  return run;
}

/**
 * Channels behind an operator that keeps the order of elements and changes the shape.
 * @param unite told of two labels that must go together from here on.
 * @returns null where no axis of `to` can tell channels apart, or sizes are not known
 */
export function reshaped(
  { axis, labels }: Channels,
  from: Shape,
  to: Shape,
  unite: (a: number, b: number) => void,
): Channels | null {
  if (!from || !to) return null;
  const least = Math.min(from.length, to.length);
  let front = 0;
  while (front < least && from[front] !== null && from[front] === to[front]) front++;
  if (axis < front) return { axis, labels };
  let back = 0;
  while (back < least - front && from.at(-1 - back) !== null && from.at(-1 - back) === to.at(-1 - back))
    back++;
  if (axis >= from.length - back) return { axis: axis + to.length - from.length, labels };
  const [before, after] = [from.slice(front, from.length - back), to.slice(front, to.length - back)];
  if (!before.every(isSize) || !after.every(isSize)) return null;
  const block = productOf(before);
  if (block > largestBlock || block !== productOf(after) || block === 0) return null;
  const inner = productOf(before.slice(axis - front + 1));
  const labelAt = (i: number) => labels[Math.floor(i / inner) % labels.length]!;
  const found = axisFor(after, block, labelAt);
  if (found === null) return null;
  const { size, step } = found;
  const told = new Int32Array(size).fill(-1);
  for (let i = 0; i < block; i++) {
    const place = Math.floor(i / step) % size;
    if (told[place] === -1) told[place] = labelAt(i);
    else if (told[place] !== labelAt(i)) unite(told[place]!, labelAt(i));
  }
  return { axis: front + found.axis, labels: told };
}

interface Axis {
  readonly axis: number;
  readonly size: number;
  /** Elements from one place to the next. */
  readonly step: number;
}

/** The axis that tells most labels apart. */
function axisFor(dims: readonly number[], block: number, labelAt: (i: number) => number): Axis | null {
  let best: { readonly axis: Axis; readonly told: number } | null = null;
  for (const [axis, size] of dims.entries()) {
    if (size < 2) continue;
    const candidate = { axis, size, step: productOf(dims.slice(axis + 1)) };
    const told = classesTold(candidate, block, labelAt);
    if (told > 1 && told > (best?.told ?? 0)) best = { axis: candidate, told };
  }
  return best?.axis ?? null;
}

/** How many kinds of labels are left when those that share a place of the axis are one. */
function classesTold({ size, step }: Axis, block: number, labelAt: (i: number) => number): number {
  const parents = new Map<number, number>();
  const rootOf = (label: number): number => {
    let root = label;
    while (parents.get(root) !== undefined && parents.get(root) !== root) root = parents.get(root)!;
    return root;
  };
  const firstOf = new Int32Array(size).fill(-1);
  for (let i = 0; i < block; i++) {
    const label = labelAt(i);
    if (!parents.has(label)) parents.set(label, label);
    const place = Math.floor(i / step) % size;
    if (firstOf[place] === -1) firstOf[place] = label;
    else {
      const [a, b] = [rootOf(firstOf[place]!), rootOf(label)];
      if (a !== b) parents.set(b, a);
    }
  }
  let roots = 0;
  for (const [label, parent] of parents) if (label === parent) roots++;
  return roots;
}

function isSize(dim: number | string | null): dim is number {
  return typeof dim === "number";
}

function productOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
