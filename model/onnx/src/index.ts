export { checkModel } from "./analyse/check.ts";
export { assertFiniteWeights, findNonFinite, type NonFinite } from "./analyse/finite.ts";
export { macsOf } from "./analyse/macs.ts";
export { assertOpset, assertStaticRank, oldestOpset } from "./analyse/requirements.ts";
export {
  type GraphSummary,
  graphSummary,
  type LayerSummary,
  layersOf,
  type ValueSummary,
} from "./analyse/summary.ts";
export { onnxErrors } from "./errors.ts";
export { byteLengthOfAll, encodeModel, encodeModelBytes } from "./file/encode.ts";
export { externalAlignment } from "./file/external-data.ts";
export { type ReadOptions, readModel, readModelFile } from "./file/read.ts";
export { type WriteOptions, type WrittenModel, writeModelFile } from "./file/write.ts";
export { type Attribute, attribute } from "./graph/attribute.ts";
export { cloneModel } from "./graph/clone.ts";
export { type ElementType, elementTypeOf, elementTypes } from "./graph/element-type.ts";
export { Graph, type NewNode, subgraphsOf } from "./graph/graph.ts";
export { Model, newestIrVersion, newestOpset } from "./graph/model.ts";
export { Node } from "./graph/node.ts";
export { bytesOf, packIntegers, Tensor } from "./graph/tensor.ts";
export { type Use, Value } from "./graph/value.ts";
export { type Dimension, isStatic, type Shape, tensorType, type ValueType } from "./graph/value-type.ts";
export { removeDeadCode } from "./pass/dead-code.ts";
export { foldConstants } from "./pass/fold-constants.ts";
export { type Pass, type PassResult, runPasses } from "./pass/pass.ts";
export { sortTopologically } from "./pass/sort.ts";
export { upgradeOpset } from "./pass/upgrade-opset.ts";
export { followShapes, type InferredShapes, type InferShapesOptions, inferShapes } from "./shape/infer.ts";
