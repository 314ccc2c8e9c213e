/**
 * The gradient of Conv with respect to its data: the adjoint of a convolution, which is a transposed
 * convolution with the same weight. Three forms of it:
 *
 * - transposed: the engine's ConvTranspose. Always applies.
 * - flipped, for stride 1: from y[o] = sum_k w[k] x[o - begin + k d] follows
 *   dx[i] = sum_k w[k] dy[i + begin - k d] = sum_k w[K-1-k] dy[i - ((K-1) d - begin) + k d], a plain Conv:
 *   the kernel flipped, filters and channels exchanged, the pads complementary. Faster than ConvTranspose,
 *   which scatters.
 * - col2im: what every tap sends back, by one product over all images, then added up where it came from.
 *   ConvTranspose multiplies once an image; where images are small those matrices are too narrow.
 *
 * Milliseconds of one thread (transposed / flipped / col2im; forward), 3x3, measured while others worked:
 * 64 ch 32x32 batch 32: 51 / 33 / 73 (35); 512 ch 7x7 batch 16: 62 / 59 / 52 (46); 512 ch 4x4 batch 64:
 * 161 / 85 / 72 (73); stride 2: 128 to 256 ch, 16x16: 18 / - / 21 (18); 256 to 512 ch, 14x14: 38 / - / 32 (24).
 */
import { elementCount } from "@cupel/base";
import { attribute, type Emitter, tensorType, type Value } from "@cupel/onnx";
import type { ConvShape } from "./convolution-shape.ts";
import { extentOf, reachOf } from "./window.ts";

export type InputGradientForm = "transposed" | "flipped" | "col2im";

type Form = (emit: Emitter, conv: ConvShape, weight: Value, dy: Value) => Value;

/** @returns [batch, channels, ...sizes] from the weight [filters, channels / group, ...kernel] and dy */
export const inputGradient: Form = (emit, conv, weight, dy) =>
  inputGradientForms[inputGradientForm(conv)](emit, conv, weight, dy);

/** Images of at most so many positions (7x7) are small. */
const smallImage = 49;

/** First row that applies. */
const choice: readonly (readonly [(conv: ConvShape) => boolean, InputGradientForm])[] = [
  [
    (conv) => conv.group === 1 && conv.kernel.length === 2 && elementCount(conv.outputs) <= smallImage,
    "col2im",
  ],
  [(conv) => canFlip(conv), "flipped"],
];

export function inputGradientForm(conv: ConvShape): InputGradientForm {
  return choice.find(([applies]) => applies(conv))?.[1] ?? "transposed";
}

/** Stride 1, and no pads that the engine's Conv would have to cut off. */
export function canFlip(conv: ConvShape): boolean {
  return conv.kernel.every((_, axis) => {
    const room = extentOf(conv, axis) - 1;
    return conv.strides[axis] === 1 && conv.begins[axis]! <= room && conv.ends[axis]! <= room;
  });
}

const transposed: Form = (emit, conv, weight, dy) =>
  emit.op("ConvTranspose", [dy, weight], {
    ...commonAttributes(conv),
    strides: attribute.ints(conv.strides),
    pads: attribute.ints([...conv.begins, ...conv.ends]),
    // What the last stride left over of the padded data.
    output_padding: attribute.ints(
      conv.sizes.map((size, axis) => size + conv.begins[axis]! + conv.ends[axis]! - reachOf(conv, axis)),
    ),
  });

const flipped: Form = (emit, conv, weight, dy) => {
  const complement = (pads: readonly number[]) => pads.map((pad, axis) => extentOf(conv, axis) - 1 - pad);
  return emit.op("Conv", [dy, turnedOver(emit, conv, weight)], {
    ...commonAttributes(conv),
    pads: attribute.ints([...complement(conv.begins), ...complement(conv.ends)]),
  });
};

/** Without groups, in two dimensions: in one or three the engine's Col2Im (1.30) adds up wrongly with dilations and pads. */
const col2im: Form = (emit, conv, weight, dy) => {
  const { batch, channels, filters, kernel, sizes } = conv;
  const [taps, stops] = [elementCount(kernel), elementCount(conv.outputs)];
  const rows = emit.reshape(emit.transpose(emit.reshape(dy, [batch, filters, stops]), [1, 0, 2]), [
    filters,
    batch * stops,
  ]);
  const columns = emit.op("Gemm", [emit.reshape(weight, [filters, channels * taps]), rows], {
    transA: attribute.int(1),
  });
  const byImage = emit.transpose(emit.reshape(columns, [channels * taps, batch, stops]), [1, 0, 2]);
  const added = emit.op("Col2Im", [byImage, emit.integers(sizes), emit.integers(kernel)], {
    dilations: attribute.ints(conv.dilations),
    strides: attribute.ints(conv.strides),
    pads: attribute.ints([...conv.begins, ...conv.ends]),
  });
  // An operator that shape inference does not have.
  added.type = tensorType(emit.elementType(dy), [batch, channels, ...sizes]);
  return added;
};

export const inputGradientForms: Readonly<Record<InputGradientForm, Form>> = { transposed, flipped, col2im };

function commonAttributes({ kernel, dilations, group }: ConvShape) {
  return {
    kernel_shape: attribute.ints(kernel),
    dilations: attribute.ints(dilations),
    group: attribute.int(group),
  };
}

/** [filters, channels / group, ...kernel] to [channels, filters / group, ...kernel flipped]. */
function turnedOver(emit: Emitter, { channels, filters, group, kernel }: ConvShape, weight: Value): Value {
  const [inner, outer] = [channels / group, filters / group];
  const taps = elementCount(kernel);
  const byTap = emit.reshape(weight, [group, outer, inner, taps]);
  const backwards = taps === 1 ? byTap : emit.slice(byTap, [-1], [-taps - 1], [3], [-1]);
  return emit.reshape(emit.transpose(backwards, [0, 2, 1, 3]), [channels, outer, ...kernel]);
}
