export { type Attribute, attribute } from "./attribute.ts";
export { checkModel } from "./check.ts";
export { cloneModel } from "./clone.ts";
export { removeDeadCode } from "./dead-code.ts";
export { type ElementType, elementTypeOf, elementTypes } from "./element-type.ts";
export { byteLengthOfAll, encodeModel, encodeModelBytes } from "./encode.ts";
export { onnxErrors } from "./errors.ts";
export { externalAlignment } from "./external-data.ts";
export { assertFiniteWeights, findNonFinite, type NonFinite } from "./finite.ts";
export { foldConstants } from "./fold-constants.ts";
export { Graph, type NewNode, subgraphsOf } from "./graph.ts";
export { macsOf } from "./macs.ts";
export { Model, newestIrVersion, newestOpset } from "./model.ts";
export { Node } from "./node.ts";
export { type Pass, type PassResult, runPasses } from "./pass.ts";
export { type ReadOptions, readModel, readModelFile } from "./read.ts";
export { assertOpset, assertStaticRank, oldestOpset } from "./requirements.ts";
export { followShapes, type InferredShapes, type InferShapesOptions, inferShapes } from "./shape/infer.ts";
export { sortTopologically } from "./sort.ts";
export {
  type GraphSummary,
  graphSummary,
  type LayerSummary,
  layersOf,
  type ValueSummary,
} from "./summary.ts";
export { bytesOf, packIntegers, Tensor } from "./tensor.ts";
export { upgradeOpset } from "./upgrade-opset.ts";
export { type Use, Value } from "./value.ts";
export { type Dimension, isStatic, type Shape, tensorType, type ValueType } from "./value-type.ts";
export { type WriteOptions, type WrittenModel, writeModelFile } from "./write.ts";
