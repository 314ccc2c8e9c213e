/** One block as a graph of its own, that tells how far its output is from the float network's, and which way its weights pull. */
import {
  attribute,
  cutOut,
  Emitter,
  encodeModel,
  inferShapes,
  type Model,
  runPasses,
  tensorType,
  upgradeOpset,
} from "@cupel/onnx";
import { float32Of, openSession, type TensorData } from "@cupel/runtime";
import { differentiate, gradientName } from "@cupel/train";
import { inOperatorLayout, inRows, setBias, weightedLayers } from "../layer.ts";
import type { Block } from "./blocks.ts";

export interface BlockWeights {
  /** [O, K] */
  readonly weights: Float32Array;
  /** [O]; null where the layer takes none. */
  readonly bias: Float32Array | null;
}

export interface BlockBatch {
  readonly input: Float32Array;
  /** What the output should be. */
  readonly wanted: Float32Array;
}

export interface BlockStep extends AsyncDisposable {
  /** Mean squared difference of the output. */
  loss(batch: BlockBatch, weights: ReadonlyMap<string, BlockWeights>): Promise<number>;
  /** By weight name, of the loss; weights in [O, K]. */
  gradients(
    batch: BlockBatch,
    weights: ReadonlyMap<string, BlockWeights>,
  ): Promise<ReadonlyMap<string, BlockWeights>>;
}

const wantedName = "cupel.wanted";
const lossName = "cupel.loss";
const biasName = (weight: string): string => `${weight}.given_bias`;

/**
 * @param float with inferred shapes. @param batch images a step. @param imageDims of the value that is fed, without the batch.
 * @throws GRADIENT_UNSUPPORTED, GRADIENT_UNREACHABLE, SHAPE_NOT_STATIC, SHAPE_CONFLICT, OPSET_UNSUPPORTED, and what sessions throw
 */
export async function openBlockStep(
  float: Model,
  block: Block,
  batch: number,
  imageDims: readonly number[],
  threads: number,
): Promise<BlockStep> {
  const part = cutOut(float, [block.from.name], [block.to.name]);
  runPasses(part, [upgradeOpset()]);
  inferShapes(part, { inputShapes: { [block.from.name]: [batch, ...imageDims] } });
  const { graph } = part;
  const names = new Set(block.layers.map(({ weight }) => weight.name));
  const layers = weightedLayers(graph).filter(({ weight }) => names.has(weight.name));
  const wrt: string[] = [];
  for (const layer of layers) {
    const { weight, rows, node } = layer;
    const dims = weight.constant!.dims;
    if (!node.is("MatMul")) {
      setBias(graph, layer, new Float32Array(rows));
      const bias = graph.newValue(biasName(weight.name), tensorType("float32", [rows]));
      graph.inputs.push(bias);
      const old = node.input(2)!;
      node.setInput(2, bias);
      if (old.uses.length === 0) graph.removeConstant(old);
      wrt.push(bias.name);
    }
    const given = graph.newValue(`${weight.name}.given`, tensorType("float32", dims));
    graph.inputs.push(given);
    node.setInput(layer.weightIndex, given);
    if (weight.uses.length === 0) graph.removeConstant(weight);
    wrt.push(given.name);
  }
  const emit = new Emitter(part);
  const output = graph.outputs[0]!;
  const dims = emit.dims(output);
  const wanted = emit.input(wantedName, "float32", dims);
  const difference = emit.sub(output, wanted);
  const [loss] = emit.node(
    "ReduceMean",
    [emit.mul(difference, difference), emit.integers(dims.map((_, axis) => axis))],
    { keepdims: attribute.int(0) },
    [lossName],
  );
  graph.outputs.splice(0, graph.outputs.length, loss!);
  const session = await openSession(encodeModel(differentiate(part, { loss: lossName, wrt })), { threads });
  const run = (
    { input, wanted }: BlockBatch,
    weights: ReadonlyMap<string, BlockWeights>,
    fetches: readonly string[],
  ) => {
    const feeds = new Map<string, TensorData>([
      [block.from.name, { type: "float32", dims: [batch, ...imageDims], data: input }],
      [wantedName, { type: "float32", dims, data: wanted }],
    ]);
    for (const layer of layers) {
      const { weight } = layer;
      const own = weights.get(weight.name)!;
      const inLayout = inOperatorLayout(layer, own.weights);
      feeds.set(`${weight.name}.given`, {
        type: "float32",
        dims: layer.weight.constant!.dims,
        data: inLayout,
      });
      if (own.bias) feeds.set(biasName(weight.name), { type: "float32", dims: [layer.rows], data: own.bias });
    }
    return session.run(Object.fromEntries(feeds), { fetches });
  };
  return {
    async loss(each, weights) {
      return float32Of((await run(each, weights, [lossName]))[lossName]!)[0]!;
    },
    async gradients(each, weights) {
      const found = await run(each, weights, wrt.map(gradientName));
      return new Map(
        layers.map((layer) => {
          const { weight, node } = layer;
          const gradient = float32Of(found[gradientName(`${weight.name}.given`)]!);
          const bias = node.is("MatMul") ? null : float32Of(found[gradientName(biasName(weight.name))]!);
          return [weight.name, { weights: inRows(layer, gradient), bias }] as const;
        }),
      );
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}
