/**
 * Non-maximum suppression: of boxes of one class that overlap, the one with the highest score stays. Greedy,
 * over all boxes from the highest score down, which is the same as class by class.
 */
import { type Box, intersectionOverUnion } from "./box.ts";

/** A box as a model gives it, in pixels of its tensor. */
export interface Candidate extends Box {
  readonly classIndex: number;
  /** 0 to 1. */
  readonly score: number;
}

/** Those of YOLO's tools, for telling and for measuring alike. */
export const suppressionDefaults = {
  /** A box that overlaps a better one of its class by more is left out: intersection over union. */
  iou: 0.7,
  /** Boxes of an image that are kept. */
  most: 300,
} as const;

/** Candidates looked at, the best of them: what scores lower than so many others is nothing. */
const mostCandidates = 30_000;

/** From the highest score down, equals in their order. */
export function byScore<Each extends Pick<Candidate, "score">>(boxes: readonly Each[]): Each[] {
  return [...boxes].sort((a, b) => b.score - a.score);
}

/** @returns from the highest score down. */
export function suppress<Each extends Candidate>(
  candidates: readonly Each[],
  { iou, most }: { readonly iou: number; readonly most: number } = suppressionDefaults,
): Each[] {
  const kept: Each[] = [];
  const keptOf = new Map<number, Each[]>();
  for (const candidate of byScore(candidates).slice(0, mostCandidates)) {
    if (kept.length === most) break;
    const rivals = keptOf.get(candidate.classIndex) ?? [];
    if (rivals.some((rival) => intersectionOverUnion(rival, candidate) > iou)) continue;
    keptOf.set(candidate.classIndex, [...rivals, candidate]);
    kept.push(candidate);
  }
  return kept;
}
