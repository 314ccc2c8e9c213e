/**
 * What a model is made into before anything is counted or measured, whoever wrote it: one order of nodes, an
 * operator set the stages know, float32 throughout, and weights that are constants.
 */
import {
  foldConstants,
  followEdits,
  followed,
  inferShapes,
  type Model,
  type Node,
  nodesInTraining,
  type Pass,
  runPasses,
  separateNodeNames,
  sortTopologically,
  symbolicBatch,
  upgradeOpset,
  widenFloats,
} from "@cupel/onnx";
import { type State, stateOf } from "../stage/stage.ts";
import { detachParameters } from "./detach-parameters.ts";
import { type FoldWeightsOptions, foldWeights } from "./fold-weights.ts";

/** DequantizeLinear has had a scale for each channel since operator set 13. */
const leastOpset = 13;

/** In the order they run. */
export const intakePasses: readonly Pass[] = [
  detachParameters,
  upgradeOpset(leastOpset),
  widenFloats,
  foldConstants,
];

/**
 * The number of images is opened when shapes are constants: the file then takes any number, and images are looked at
 * several at a time. `model` is left as it is. @throws OPSET_UNSUPPORTED, SHAPE_CONFLICT, and what a session throws
 */
export async function takeIn(model: Model, options: FoldWeightsOptions): Promise<State> {
  const state = stateOf(model);
  const { graph } = state.model;
  const edits = followEdits(graph);
  const sorted = sortTopologically(graph) ? ["put nodes after what they read"] : [];
  const named =
    separateNodeNames(graph).length > 0 ? ["gave nodes with the name of another one of their own"] : [];
  const { notes } = runPasses(state.model, intakePasses);
  inferShapes(state.model);
  const folded = await foldWeights(state.model, options);
  inferShapes(state.model);
  const { notes: opened } = runPasses(state.model, [symbolicBatch]);
  const normalisations = nodesInTraining(state.model).filter((node) => node.is("BatchNormalization"));
  return {
    ...state,
    correspondence: followed(state.correspondence, edits()),
    notes: [...sorted, ...named, ...notes, ...folded, ...opened, ...normalisations.map(trainingText)],
  };
}

function trainingText({ label }: Node): string {
  return (
    `${label} is in training mode: it normalises by the images of a run, not by what it has learned, and stays in ` +
    "float; export the model for inference"
  );
}
