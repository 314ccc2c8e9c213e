/** The network that a step is compiled from: fixed to a batch before, and given the trained values afterwards. */
import { own } from "@cupel/base";
import {
  cloneModel,
  Emitter,
  inferShapes,
  Model,
  removeDeadCode,
  runPasses,
  settleWindows,
  Tensor,
  tensorType,
  type Value,
} from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import { type FoldedNetwork, foldAround } from "./folded-network.ts";
import { isOverClasses, type Loss } from "./loss.ts";
import { toNetworkLayout, type WeightLayout } from "./weight-layout.ts";

export interface FixedSizes {
  /** Images a step. */
  readonly batch: number;
  /** Sizes of an image, in the order of the input's axes behind the first: for those that the network leaves open. */
  readonly imageDims?: readonly number[] | undefined;
}

/** A network in float16 or bfloat16 may declare it at its face; it is fed, and judged, in float32. */
function isHalf({ type }: Value): boolean {
  return type?.kind === "tensor" && (type.elementType === "float16" || type.elementType === "bfloat16");
}

/**
 * A copy with static shapes, that takes float32, and the first output only, which are logits if the loss is over classes.
 * @throws TRAINING_CONFIG_INVALID; those of `inferShapes`
 */
export function fixBatch(
  { model: network, parameters }: FoldedNetwork,
  { batch, imageDims = [] }: FixedSizes,
  loss: Loss | undefined,
): Model {
  if (!Number.isInteger(batch) || batch < 1) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `A batch of ${batch} images: it must be a whole number above 0.`,
    );
  }
  const model = cloneModel(network);
  inferShapes(model, {
    inputShapes: Object.fromEntries(
      model.graph.inputs.map((input) => [
        input.name,
        (input.shape ?? []).map((size, axis, { length }) => {
          if (axis === 0) return batch;
          const isOpen = typeof size !== "number" && length === imageDims.length + 1;
          return isOpen ? imageDims[axis - 1]! : size;
        }),
      ]),
    ),
  });
  runPasses(model, [settleWindows]);
  foldAround(model, parameters);
  const { inputs, outputs } = model.graph;
  for (const input of inputs) if (isHalf(input)) input.type = tensorType("float32", input.shape);
  inferShapes(model);
  outputs.splice(1);
  if (outputs[0]?.producer?.is("Cast") && isHalf(outputs[0])) {
    outputs[0] = outputs[0].producer.input(0)!;
    runPasses(model, [removeDeadCode]);
  }
  // A loss over classes takes logits: a Softmax that only makes probabilities of them is left out.
  const last = outputs[0]?.producer;
  if (isOverClasses(loss) && last?.is("Softmax") && last.output.uses.length === 0)
    outputs[0] = last.input(0)!;
  runPasses(model, [removeDeadCode]);
  return model;
}

/** How many classes labels may name; null if the loss has no labels. @param network from `fixBatch` */
export function classesOf(network: Model, loss: Loss | undefined): number | null {
  return isOverClasses(loss) ? Number(network.graph.outputs[0]!.shape![1]) : null;
}

/** An empty graph that may hold what the network's operators do. */
export function emitterBeside({ irVersion, opsets }: Model): Emitter {
  return new Emitter(new Model({ irVersion: Math.max(8, irVersion), opsets: new Map(opsets) }));
}

/** A copy with other values, by name, each in its layout. */
export function withValues(
  network: Model,
  layouts: ReadonlyMap<string, WeightLayout>,
  values: Readonly<Record<string, Float32Array>>,
): Model {
  const model = cloneModel(network);
  for (const value of model.graph.initializers) {
    const trained = own(values, value.name);
    const layout = layouts.get(value.name);
    if (!trained || !layout) continue;
    model.graph.setConstant(value, Tensor.float32(value.constant!.dims, toNetworkLayout(trained, layout)));
  }
  return model;
}
