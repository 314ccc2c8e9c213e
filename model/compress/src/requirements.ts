/** What a model must be before it can be compressed; everything else is refused with the reason. */
import {
  assertFiniteWeights,
  assertStaticRank,
  cloneModel,
  inferShapes,
  type Model,
  type Node,
  nodesInTraining,
  type Value,
} from "@cupel/onnx";
import { imageInputOf, inputsOf, isClassifier, predictErrors } from "@cupel/predict";
import { compressErrors } from "./errors.ts";
import { weightedLayers } from "./layer.ts";

/** A search for bit widths compares the classes that are predicted. @throws OUTPUT_UNSUPPORTED */
export function assertSearchable(model: Model): void {
  if (isClassifier(model)) return;
  const outputs = model.graph.outputs.map(({ name, shape }) => `"${name}" [${shape?.join(", ") ?? "?"}]`);
  throw predictErrors.error(
    "OUTPUT_UNSUPPORTED",
    `Bit widths are chosen by the predictions that change, and the output of this model is not one row of class scores an image: ${outputs.join(", ")}. ` +
      "Give every layer the same bits, such as --bits 8.",
  );
}

/** Training teaches the predictions of the original. @throws OUTPUT_UNSUPPORTED, INPUT_UNSUPPORTED */
export function assertTrainable(model: Model): void {
  const { inputs, outputs } = model.graph;
  if (!isClassifier(model)) {
    const shapes = outputs.map(({ name, shape }) => `"${name}" [${shape?.join(", ") ?? "?"}]`);
    throw predictErrors.error(
      "OUTPUT_UNSUPPORTED",
      `Retraining teaches class scores, and the output of this model is not one row of them an image: ${shapes.join(", ")}. ` +
        'Leave out the stage "retrain".',
    );
  }
  const fed = inputs.filter(({ constant }) => !constant);
  if (fed.length === 1) return;
  throw predictErrors.error(
    "INPUT_UNSUPPORTED",
    `Retraining feeds images only, and this model has ${fed.length} inputs: ${fed.map(({ name }) => `"${name}"`).join(", ")}. ` +
      'Leave out the stage "retrain".',
  );
}

/** Standard operators on 8-bit numbers; the engine's own, in `com.microsoft`, begin with these words too. */
const quantisedOperator =
  /^(QLinear|QGemm|QAttention|QEmbed|Quantize|Dequantize|DynamicQuantize|ConvInteger|MatMulInteger|MatMulNBits|MatMulBnb4)/;

function isQuantised({ opType }: Node): boolean {
  return quantisedOperator.test(opType);
}

/** Asked before anything is run: whatever is found out about a quantised model is of no use. @throws ALREADY_QUANTISED */
export function assertInFloat({ graph }: Model): void {
  const quantised = [...graph.allNodes()].filter(isQuantised);
  if (quantised.length === 0) return;
  const operators = [...new Set(quantised.map(({ opType }) => opType))];
  throw compressErrors.error(
    "ALREADY_QUANTISED",
    `The model is quantised already: ${quantised.length} of its ${graph.nodes.length} nodes are ${operators.join(", ")}, the first ${quantised[0]!.label}. ` +
      "Compress the float model that it was made from.",
    { details: { operators } },
  );
}

/**
 * The original is run too, and the engine has hardly a kernel of bfloat16 on a CPU. Weights that only lie in it, behind
 * a Cast, are fine. @throws BFLOAT16_UNSUPPORTED
 */
export function assertNoBfloat16(model: Model): void {
  const typed = cloneModel(model);
  inferShapes(typed);
  const node = [...typed.graph.allNodes()].find(
    (each) => !each.is("Cast") && each.inputs.some((value) => value !== null && isBfloat16(value)),
  );
  if (!node) return;
  throw compressErrors.error(
    "BFLOAT16_UNSUPPORTED",
    `The model computes in bfloat16 (${node.label}), which the engine does not on a CPU, so that the original cannot be compared with. ` +
      "Export the model in float32 or float16.",
  );
}

function isBfloat16({ type, constant }: Value): boolean {
  return constant ? constant.type === "bfloat16" : type?.kind === "tensor" && type.elementType === "bfloat16";
}

/**
 * @param model taken in
 * @throws RANK_UNKNOWN, WEIGHT_NOT_FINITE, INPUT_UNSUPPORTED, ALREADY_QUANTISED,
 * MODEL_IN_TRAINING, NOTHING_TO_COMPRESS
 */
export function assertCompressible(model: Model): void {
  const { graph } = model;
  assertStaticRank(model);
  assertFiniteWeights(model);
  imageInputOf(inputsOf(graph));
  assertInFloat(model);
  const dropout = nodesInTraining(model).find((node) => node.is("Dropout"));
  if (dropout) {
    throw compressErrors.error(
      "MODEL_IN_TRAINING",
      `${dropout.label} is in training mode: it drops values by chance, so that no two runs agree. ` +
        "Export the model for inference.",
    );
  }
  if (weightedLayers(graph).length === 0) {
    throw compressErrors.error(
      "NOTHING_TO_COMPRESS",
      "The model has no Conv, Gemm or MatMul with constant float32 weights.",
    );
  }
}
