/**
 * Filters that nobody trained: each detects one patch that was seen in the middle of a picture, against
 * the background of all patches seen. With m and S the mean and covariance of the patches,
 *
 *   w = (S + ridge)^-1 (p - m)
 *
 * is the linear detector of the single example p (exemplar LDA: Hariharan, Malik and Ramanan, ECCV 2012).
 * Patches as filters without training: Coates and Ng, "Learning Feature Representations with K-means",
 * 2012, section 4.
 */
import type { Random } from "@cupel/base";
import type { TensorData } from "@cupel/runtime";
import { float32Of } from "@cupel/runtime";
import { gram, type Matrix, matrix, meanDiagonal, solvePositive, withRidge } from "./ridge-regression.ts";

export interface PatchSampling {
  /** Side of a patch, in cells of the map. */
  readonly side: number;
  /** Patches taken of each map. */
  readonly perMap: number;
  /** How far from the middle a patch may begin, in cells. */
  readonly jitter: number;
}

/** Share of the mean variance that is added to every direction: less would amplify noise. */
const ridgeShare = 0.5;

/** Patches around the middle of maps [N, C, H, W], one a row: [N * perMap, C * side * side]. */
export function samplePatches(maps: TensorData, sampling: PatchSampling, random: Random): Matrix {
  const [count = 0, channels = 0, height = 0, width = 0] = maps.dims;
  const { side, perMap, jitter } = sampling;
  const values = float32Of(maps);
  const patches = matrix(count * perMap, channels * side * side);
  const near = (length: number) => {
    const wanted = (length - side) / 2 + (2 * random.uniform() - 1) * jitter;
    return Math.min(length - side, Math.max(0, Math.round(wanted)));
  };
  for (let row = 0, at = 0; row < patches.rows; row++) {
    const map = Math.floor(row / perMap);
    const [top, left] = [near(height), near(width)];
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < side; y++) {
        const from = ((map * channels + c) * height + top + y) * width + left;
        for (let x = 0; x < side; x++) patches.values[at++] = values[from + x]!;
      }
    }
  }
  return patches;
}

/** `count` filters of unit length, one after the other: Conv weights [count, C, side, side]. */
export function exemplarFilters(patches: Matrix, count: number, random: Random): Float32Array {
  const { rows, columns } = patches;
  const centred = matrix(rows, columns, centre(patches));
  const covariance = gram(centred);
  for (let i = 0; i < covariance.values.length; i++) covariance.values[i]! /= rows;
  const examples = matrix(columns, count);
  random
    .permutation(rows)
    .slice(0, count)
    .forEach((row, f) => {
      for (let j = 0; j < columns; j++) examples.values[j * count + f] = centred.values[row * columns + j]!;
    });
  const detectors = solvePositive(withRidge(covariance, ridgeShare * meanDiagonal(covariance)), examples);
  const filters = new Float32Array(count * columns);
  for (let f = 0; f < count; f++) {
    let squares = 0;
    for (let j = 0; j < columns; j++) squares += detectors.values[j * count + f]! ** 2;
    const length = Math.sqrt(squares) || 1;
    for (let j = 0; j < columns; j++) filters[f * columns + j] = detectors.values[j * count + f]! / length;
  }
  return filters;
}

function centre({ rows, columns, values }: Matrix): Float64Array {
  const mean = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) mean[i % columns]! += values[i]! / rows;
  return values.map((value, i) => value - mean[i % columns]!);
}
