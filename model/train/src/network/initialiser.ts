/**
 * How parameters are drawn before training. What counts is the variance: He keeps that of activations
 * (fan in) or of gradients (fan out) through layers that rectify, Glorot a mean of both through layers
 * that do not.
 *
 * He et al. 2015, https://arxiv.org/abs/1502.01852; Glorot and Bengio 2010,
 * https://proceedings.mlr.press/v9/glorot10a.html
 */
import { elementCount, type Random } from "@cupel/base";

/** From the shape of a weight, output channels or features first, how to draw one element. */
export type Initialiser = (dims: readonly number[]) => (random: Random) => number;

/** Inputs that one output sums over. */
const fanIn = (dims: readonly number[]): number => elementCount(dims.slice(1));
/** Outputs that one input reaches. Grouped convolutions count all output channels, as PyTorch does. */
const fanOut = (dims: readonly number[]): number => elementCount([dims[0]!, ...dims.slice(2)]);

export const constant =
  (value: number): Initialiser =>
  () =>
  () =>
    value;

export const normal =
  (deviation: number): Initialiser =>
  () =>
  (random) =>
    deviation * random.normal();

/** Uniform in -bound..bound. */
const uniform =
  (bound: number) =>
  (random: Random): number =>
    bound * (2 * random.uniform() - 1);

/** Variance 2 / fan in. */
export const heFanIn: Initialiser = (dims) => normal(Math.sqrt(2 / fanIn(dims)))(dims);

/** Variance 2 / fan out. */
export const heFanOut: Initialiser = (dims) => normal(Math.sqrt(2 / fanOut(dims)))(dims);

/** Uniform, variance 2 / (fan in + fan out). */
export const glorot: Initialiser = (dims) => uniform(Math.sqrt(6 / (fanIn(dims) + fanOut(dims))));

/** Uniform in ±1 / sqrt(inputs): PyTorch's default for the weight and bias of a linear layer. */
export const uniformFanIn =
  (inputs: number): Initialiser =>
  () =>
    uniform(1 / Math.sqrt(inputs));
