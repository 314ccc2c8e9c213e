/**
 * What several rooms and packages ask of an operator of the standard domain, in one table. A table elsewhere
 * says something else: how shapes, values or gradients follow (shape, evaluate, train), which kernels the
 * engine has (compress/emit), what one pass rewrites.
 */
import { own } from "@cupel/base";
import type { Node } from "../graph/index.ts";

export interface OperatorFacts {
  /** Positions of the inputs that hold what was trained, where these are constants. */
  readonly weights?: readonly number[];
  /** Positions of running statistics, which training replaces, but not by gradients. */
  readonly statistics?: readonly number[];
  /** Computes with integers: its constants but the weights are scales and zero points, which nobody trained. */
  readonly quantised?: true;
  /** The output has the elements of the input, each once; shape and order may differ. */
  readonly rearranges?: true;
}

const affine = { weights: [1, 2] };
const recurrent = { weights: [1, 2, 3] };
const rearranging = { rearranges: true } as const;

const table: Readonly<Record<string, OperatorFacts>> = {
  Conv: affine,
  ConvTranspose: affine,
  Gemm: affine,
  MatMul: { weights: [0, 1] },
  BatchNormalization: { weights: [1, 2], statistics: [3, 4] },
  GroupNormalization: affine,
  InstanceNormalization: affine,
  LayerNormalization: affine,
  RMSNormalization: { weights: [1] },
  PRelu: { weights: [1] },
  GRU: recurrent,
  LSTM: recurrent,
  RNN: recurrent,

  ConvInteger: { weights: [1], quantised: true },
  MatMulInteger: { weights: [1], quantised: true },
  QLinearConv: { weights: [3, 8], quantised: true },
  QLinearMatMul: { weights: [3], quantised: true },
  DequantizeLinear: { weights: [0], quantised: true },
  QuantizeLinear: { weights: [0], quantised: true },

  DepthToSpace: rearranging,
  Flatten: rearranging,
  Identity: rearranging,
  Reshape: rearranging,
  SpaceToDepth: rearranging,
  Squeeze: rearranging,
  Transpose: rearranging,
  Unsqueeze: rearranging,
};

const nothing: OperatorFacts = {};

/** Of an operator without a row, nothing is said. */
export function operatorFacts(node: Node): OperatorFacts {
  return (node.isStandard && own(table, node.opType)) || nothing;
}
