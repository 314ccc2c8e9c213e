/** What the other rooms use of the graph. */
export { type Attribute, attribute } from "./attribute.ts";
export { cloneModel } from "./clone.ts";
export { byteLengthOf, type ElementType, elementTypeOf, elementTypes } from "./element-type.ts";
export { Graph, type NewNode, subgraphsOf } from "./graph.ts";
export { readBfloat16, readFloat16, writeBfloat16, writeFloat16 } from "./half.ts";
export { Model, newestIrVersion, newestOpset } from "./model.ts";
export { Node } from "./node.ts";
export { separateNodeNames } from "./node-names.ts";
export { assertAcyclic, sortTopologically } from "./sort.ts";
export { bytesOf, type ExternalPlace, packIntegers, Tensor, type TensorSource } from "./tensor.ts";
export { type Use, Value } from "./value.ts";
export { type Dimension, isStatic, type Shape, tensorType, type ValueType } from "./value-type.ts";
