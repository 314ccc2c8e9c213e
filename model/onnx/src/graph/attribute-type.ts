/** `AttributeProto.AttributeType` and `TensorProto.DataLocation` of onnx.proto. */
export const attributeType = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

export const externalLocation = 1;
