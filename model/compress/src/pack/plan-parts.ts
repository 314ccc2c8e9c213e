/**
 * A file cut into parts that are coded one by one. Every byte is in one part, a part is what goes together, which need not lie together:
 * both planes of one layer's codes, the scales of all layers, the structure between the weights. No part is larger than
 * `partBytes`, which bounds the memory of whoever packs or unpacks.
 */
import { elementTypeOf, elementTypes } from "@cupel/onnx";
import { arePlanes } from "../emit/pack-symbols.ts";
import type { Elements } from "./choose-coding.ts";
import { type CodeBits, widestSide } from "./code-planes.ts";

export interface Extent {
  readonly start: number;
  readonly length: number;
}

/** A tensor's elements in the file at hand. */
export interface Weights extends Extent {
  readonly name: string;
  /** `TensorProto.DataType` */
  readonly type: number;
  readonly dims: readonly number[];
}

export interface Part {
  /** In the order of the file. */
  readonly extents: readonly Extent[];
  readonly elements: Elements;
}

export const partBytes = 2 ** 22;

/** Below it a tensor stays among the structure. */
const smallestTensor = 64;
/** Below it tensors of one kind share a part, and so their statistics. */
const smallTensor = 2 ** 14;
const groupBytes = 2 ** 20;
/** Weights of 3 x 3 kernels, whose neighbours tell of each other, and others share none: lengths tell them apart. */
const commonKernel = 9;
/** Of all groups together: whoever unpacks keeps each until its last tensor. */
const groupedBytes = 2 ** 24;
/** The largest are taken out where there are more. */
const mostTensors = 20_000;

/** @returns parts in the order of their first bytes. */
export function planParts(fileBytes: number, weights: readonly Weights[]): readonly Part[] {
  const taken = apart(weights, fileBytes);
  const { parts, rest } = joinPlanes(taken);
  const grouped = groupSmall(rest);
  const large = grouped.rest.flatMap(cut);
  return [...parts, ...grouped.parts, ...large, ...structure(taken, fileBytes)].sort(
    (a, b) => a.extents[0]!.start - b.extents[0]!.start,
  );
}

/** Those worth to be taken out, in the order of the file, none over another: tensors may share their elements. */
function apart(weights: readonly Weights[], fileBytes: number): readonly Weights[] {
  const fit = weights
    .filter(({ start, length }) => length >= smallestTensor && start + length <= fileBytes)
    .sort((a, b) => b.length - a.length)
    .slice(0, mostTensors)
    .sort((a, b) => a.start - b.start);
  let end = 0;
  return fit.filter(({ start, length }) => {
    if (start < end) return false;
    end = start + length;
    return true;
  });
}

interface Sorted {
  readonly parts: readonly Part[];
  readonly rest: readonly Weights[];
}

const lowPlane = ".p";
const highPlane = ".h";

/** The planes that `emitUnpacking` writes, one behind the other under these names. */
function joinPlanes(weights: readonly Weights[]): Sorted {
  const parts: Part[] = [];
  const rest: Weights[] = [];
  for (let i = 0; i < weights.length; i++) {
    const low = weights[i]!;
    const high = weights[i + 1];
    const isPair =
      high !== undefined &&
      low.name.endsWith(lowPlane) &&
      high.name === low.name.slice(0, -lowPlane.length) + highPlane &&
      low.length + high.length <= partBytes;
    const bits = isPair ? doublePlane.filter((each) => arePlanes(low.length, high.length, each)) : [];
    if (high === undefined || bits.length === 0) rest.push(low);
    else {
      parts.push({ extents: [low, high].map(extentOf), elements: codes(bits, usualSides) });
      i++;
    }
  }
  return { parts, rest };
}

const doublePlane = [3, 5, 6] as const;
const singlePlane = [2, 4] as const;
const narrow = [...singlePlane, 8] as const;
/** Of kernels, where the file does not tell: no neighbours, and 3 x 3, 5 x 5, 7 x 7. */
const usualSides = [1, 3, 5, 7];

function codes(bits: readonly CodeBits[], sides: readonly number[], isSigned = false): Elements {
  return { kind: "codes", bits, isSigned, sides };
}

function groupSmall(weights: readonly Weights[]): Sorted {
  const groups = new Map<string, { readonly members: Weights[]; bytes: number }>();
  const parts: Part[] = [];
  const rest: Weights[] = [];
  let left = groupedBytes;
  for (const each of weights) {
    if (each.length >= smallTensor || left < each.length) {
      rest.push(each);
      continue;
    }
    left -= each.length;
    // Names of one kind end alike: weight, bias, running_mean, and ours s, q.
    const key = JSON.stringify([each.type, each.name.split(".").at(-1), each.length % commonKernel === 0]);
    const group = groups.get(key);
    if (group !== undefined && group.bytes + each.length <= groupBytes) {
      group.members.push(each);
      group.bytes += each.length;
      continue;
    }
    if (group !== undefined) parts.push(groupPart(group.members));
    groups.set(key, { members: [each], bytes: each.length });
  }
  for (const { members } of groups.values()) parts.push(groupPart(members));
  return { parts, rest };
}

function groupPart(members: readonly Weights[]): Part {
  return { extents: members.map(extentOf), elements: elementsOf(members[0]!) };
}

function cut(weights: Weights): readonly Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < weights.length; at += partBytes) {
    const extent = { start: weights.start + at, length: Math.min(partBytes, weights.length - at) };
    parts.push({ extents: [extent], elements: elementsOf(weights) });
  }
  return parts;
}

/** What lies between the weights, gathered. */
function structure(taken: readonly Weights[], fileBytes: number): readonly Part[] {
  const parts: Part[] = [];
  let extents: Extent[] = [];
  let room = partBytes;
  const close = () => {
    if (extents.length > 0) parts.push({ extents, elements: { kind: "text" } });
    extents = [];
    room = partBytes;
  };
  let at = 0;
  for (const { start, length } of [...taken, { start: fileBytes, length: 0 }]) {
    while (at < start) {
      const size = Math.min(room, start - at);
      extents.push({ start: at, length: size });
      at += size;
      room -= size;
      if (room === 0) close();
    }
    at = start + length;
  }
  close();
  return parts;
}

function extentOf({ start, length }: Extent): Extent {
  return { start, length };
}

/** In bytes that may hold packed codes the width of a code is found by trying. */
function elementsOf({ type, name, dims }: Weights): Elements {
  const known = elementTypeOf(type);
  if (known === undefined) return { kind: "text" };
  const { bits } = elementTypes[known];
  if (bits === 0) return { kind: "text" };
  if (known.startsWith("complex")) return { kind: "numbers", width: bits / 16 };
  const width = narrow.find((each) => each === bits);
  if (width === undefined) return { kind: "numbers", width: bits / 8 };
  const isPlane = known === "uint8" && (name.endsWith(lowPlane) || name.endsWith(highPlane));
  if (isPlane) return codes(narrow, usualSides);
  const [height, across] = dims.length === 4 ? dims.slice(2) : [];
  const sides =
    height !== undefined && height === across && height > 1 && height <= widestSide ? [1, height] : [1];
  return codes([width], sides, known.startsWith("int") || known.startsWith("float"));
}
