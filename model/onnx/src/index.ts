export { checkModel } from "./analyse/check.ts";
export { assertFiniteWeights, findNonFinite, type NonFinite } from "./analyse/finite.ts";
export {
  estimateFolding,
  type FoldingEstimate,
  foldingGrowth,
  foldingLimit,
} from "./analyse/folding-estimate.ts";
export { assertLoadable } from "./analyse/loadable.ts";
export { macsOf } from "./analyse/macs.ts";
export {
  type MemoryPlan,
  type MemoryPlanOptions,
  type MemoryStep,
  type PlannedValue,
  planMemory,
  type ReuseRule,
} from "./analyse/memory-plan.ts";
export { assertOpset, assertStaticRank, oldestOpset } from "./analyse/requirements.ts";
export {
  type GraphSummary,
  graphSummary,
  type LayerSummary,
  layersOf,
  type ValueSummary,
} from "./analyse/summary.ts";
export { type Dims, Emitter, type EmitterOptions, type Operand } from "./emit/emitter.ts";
export { onnxErrors } from "./errors.ts";
export { byteLengthOfAll, encodeModel, encodeModelBytes } from "./file/encode.ts";
export { externalAlignment, locateExternalFile } from "./file/external-data.ts";
export { externalLocations } from "./file/external-locations.ts";
export { inlinedNodeLimit } from "./file/inline-functions.ts";
export { packedMagic } from "./file/packed-magic.ts";
export { type ReadOptions, readModel, readModelFile } from "./file/read.ts";
export { type TensorPlace, tensorPlaces } from "./file/tensor-places.ts";
export type { ByteSource } from "./file/tensor-walk.ts";
export {
  takeOut,
  type WeightFolder,
  type WrittenGraph,
  weightFolder,
  weightFolderOf,
} from "./file/weight-folder.ts";
export { type WriteOptions, type WrittenModel, writeModelFile, writtenBytes } from "./file/write.ts";
export {
  type Correspondence,
  type Counterpart,
  followEdits,
  followed,
  sameAs,
  sameValues,
} from "./graph/correspondence.ts";
export {
  type Attribute,
  attribute,
  bytesOf,
  cloneModel,
  type Dimension,
  type ElementType,
  elementTypeOf,
  elementTypes,
  Graph,
  isStatic,
  Model,
  type NewNode,
  Node,
  newestIrVersion,
  newestOpset,
  packIntegers,
  readBfloat16,
  readFloat16,
  type Shape,
  separateNodeNames,
  sortTopologically,
  subgraphsOf,
  Tensor,
  tensorType,
  type Use,
  Value,
  type ValueType,
  writeFloat16,
} from "./graph/index.ts";
export {
  followShapes,
  type InferredShapes,
  type InferShapesOptions,
  inferShapes,
} from "./infer/infer-shapes.ts";
export { foldedAxes, fromStart } from "./operator/axes.ts";
export { type OperatorFacts, operatorFacts } from "./operator/operator-facts.ts";
export { isInTraining, nodesInTraining } from "./operator/training-mode.ts";
export { outputChannels, type WeightLayout, weightLayout } from "./operator/weight-layout.ts";
export { type Condition, sharedParameters } from "./pass/condition.ts";
export { cutOut } from "./pass/cut-out.ts";
export { removeDeadCode } from "./pass/dead-code.ts";
export { foldConstants } from "./pass/fold-constants.ts";
export { type Pass, type PassResult, passSequence, runPasses } from "./pass/pass.ts";
export { settleWindows } from "./pass/settle-windows.ts";
export { symbolicBatch } from "./pass/symbolic-batch.ts";
export { upgradeOpset } from "./pass/upgrade-opset.ts";
export { widenFloats } from "./pass/widen-floats.ts";
export { isElementwise } from "./shape/operators.ts";
