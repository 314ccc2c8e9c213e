/**
 * The forms of each operator that the engine runs on 8-bit integers, and what is done for them. This is the one
 * place that decides; `placement` only walks the graph. What has no row, or fits no form of its row, stays in
 * float. A row says what the engine does with DequantizeLinear -> operator -> QuantizeLinear; the test looks
 * that up in the graph the engine leaves, and tools/engine-forms asks another engine.
 *
 * Left out on purpose, because the engine has no 8-bit kernel: HardSwish, HardSigmoid, Gelu, Erf, Tanh,
 * Softplus, ReduceMean, LayerNormalization, Pad, SpaceToDepth, ConvTranspose, and Resize other than by the nearest element.
 */
import { own } from "@cupel/base";
import type { Node } from "@cupel/onnx";
import { isStaticClip } from "../clean/place-activations.ts";
import { layerOf } from "../layer.ts";

/** How an operator takes part. */
export type Part =
  /** Weights times input: the output may stay in float only behind a dense layer. */
  | "layer"
  /** Every input and the output have scales of their own. */
  | "own-scale"
  /** As own-scale, but the output is a share of one, and its scale 1/256: the kernel is right for no smaller one. */
  | "share"
  /** Only moves elements: outputs have the scale of the first input. */
  | "same-scale"
  /** Vanishes into the rounding of its input's producer. */
  | "clipping";

interface Form {
  readonly part: Part;
  /** Whether a node has the form. Left out: any node of the operator. */
  readonly when?: (node: Node) => boolean;
  /** The engine takes every node of the operator for this form, and fails on the others: they need a fence. */
  readonly isMistaken?: true;
}

const any = (part: Part): Form => ({ part });
/** Constants would need scales of their own, and the engine has no such form. */
const ofActivations: Form = {
  part: "own-scale",
  when: (node) => node.inputs.every((value) => !value?.constant),
};
const layer: Form = { part: "layer", when: (node) => layerOf(node)?.weightIndex === 1 };

const forms: Readonly<Record<string, Form>> = {
  Conv: layer,
  Gemm: layer,
  MatMul: layer,
  Add: ofActivations,
  Mul: ofActivations,
  Concat: ofActivations,
  GlobalAveragePool: any("own-scale"),
  // The 8-bit kernel is of operator set 11: the engine hands it the attribute of 19 and refuses the file.
  AveragePool: { part: "own-scale", when: (node) => !node.attributes.has("dilations"), isMistaken: true },
  Sigmoid: any("own-scale"),
  LeakyRelu: any("own-scale"),
  Softmax: any("share"),
  MaxPool: { part: "same-scale", when: (node) => node.outputs.length === 1 },
  Reshape: any("same-scale"),
  Flatten: any("same-scale"),
  Transpose: any("same-scale"),
  Squeeze: any("same-scale"),
  Unsqueeze: any("same-scale"),
  Slice: any("same-scale"),
  Gather: any("same-scale"),
  DepthToSpace: any("same-scale"),
  Split: any("same-scale"),
  Resize: { part: "same-scale", when: isNearest },
  Relu: any("clipping"),
  Clip: { part: "clipping", when: isStaticClip },
};

/** Null for what stays in float. */
export function partOf(node: Node): Part | null {
  const form = formOf(node);
  return form && (form.when?.(node) ?? true) ? form.part : null;
}

/** Stays in float, but the engine would put its 8-bit kernel there, which lacks what the node asks for. */
export function needsFence(node: Node): boolean {
  return formOf(node)?.isMistaken === true && partOf(node) === null;
}

function formOf(node: Node): Form | null {
  return (node.isStandard && own(forms, node.opType)) || null;
}

function isNearest(node: Node): boolean {
  const where = node.string("coordinate_transformation_mode", "half_pixel");
  return node.string("mode", "nearest") === "nearest" && where !== "tf_crop_and_resize";
}
