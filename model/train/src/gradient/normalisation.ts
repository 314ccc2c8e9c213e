/**
 * Gradients of the normalisations. All standardise, x^ = (x - mean) / deviation over some axes, then scale
 * and shift. With g the gradient with respect to x^ and the means taken over the same axes:
 *
 *     dx = (g - mean(g) - x^ mean(g x^)) / deviation
 *
 * (Ioffe & Szegedy 2015, section 3; without the middle term where no mean was subtracted.)
 */
import { elementCount } from "@cupel/base";
import { attribute, type Emitter, fromStart, Tensor, type Value } from "@cupel/onnx";
import { type GradientContext, type GradientRule, type GradientTable, incomingOf } from "../gradient-rule.ts";
import { auxiliaryOutput } from "./auxiliary-output.ts";

const epsilonOf = ({ node }: GradientContext): number => node.float("epsilon", 1e-5);

/** Statistics per channel over the batch and all positions. */
const batchNormalization: GradientRule = (context) => {
  const { emit, node, input, wants, incoming, unsupported } = context;
  if (incoming(1) || incoming(2)) throw unsupported("its running statistics cannot be differentiated");
  const [x, scale, dy] = [input(0), input(1), incomingOf(context)];
  const dims = emit.dims(x);
  const isTraining = node.int("training_mode", 0) === 1;
  const { mean, variance } = isTraining
    ? batchStatistics(context, x)
    : { mean: input(3), variance: input(4) };
  const over = dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const inverse = inverseDeviation(emit, variance, epsilonOf(context));
  const sum = emit.reduce("ReduceSum", dy, over, false);
  // sum(dy x^), without ever making x^.
  const moment = emit.reduce("ReduceSum", emit.mul(dy, x), over, false);
  const scaleGradient = emit.mul(emit.sub(moment, emit.mul(mean, sum)), inverse);
  const affine = (value: Value, factor: Value, shift: Value, centre: Value) =>
    channelAffine(context, value, [factor, shift, centre, variance]);
  const zero = zeros(emit, dims[1]!);
  const inputGradient = () => {
    if (!isTraining) return affine(dy, scale, zero, zero);
    const share = -1 / (elementCount(dims) / dims[1]!);
    const correction = affine(x, emit.mul(scaleGradient, share), emit.mul(sum, share), mean);
    return affine(emit.add(dy, correction), scale, zero, zero);
  };
  const scaledInverse = () => emit.mul(scale, inverse);
  return [
    wants(0) ? inputGradient() : null,
    scaleGradient,
    sum,
    !isTraining && wants(3) ? emit.neg(emit.mul(sum, scaledInverse())) : null,
    !isTraining && wants(4)
      ? emit.mul(emit.mul(scaleGradient, scaledInverse()), emit.mul(inverse, -0.5))
      : null,
  ];
};

/**
 * factor (x - centre) / deviation + shift, each per channel. An inference BatchNormalization is the one
 * operator of the engine that does that in a single pass; as Mul and Add it takes twice as long.
 */
function channelAffine(context: GradientContext, value: Value, parameters: readonly Value[]): Value {
  return context.emit.op("BatchNormalization", [value, ...parameters], {
    epsilon: attribute.float(epsilonOf(context)),
  });
}

/** Without momentum, what the forward node writes as running statistics are those of this batch. */
function batchStatistics(context: GradientContext, x: Value): { mean: Value; variance: Value } {
  const { emit, node } = context;
  const dims = emit.dims(x);
  if (node.float("momentum", 0.9) === 0) {
    const mean = auxiliaryOutput(context, 1, "float32", [dims[1]!]);
    return { mean, variance: auxiliaryOutput(context, 2, "float32", [dims[1]!]) };
  }
  const over = dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const { mean, variance } = statistics(emit, x, over);
  return { mean: emit.reshape(mean, [dims[1]!]), variance: emit.reshape(variance, [dims[1]!]) };
}

/** Over the axes from `axis` on; the forward node keeps mean and inverse deviation. */
const layerNormalization: GradientRule = (context) => {
  const { emit, node, input, wants, incoming, unsupported } = context;
  if (incoming(1) || incoming(2)) throw unsupported("its statistics cannot be differentiated");
  const [x, dy] = [input(0), incomingOf(context)];
  const dims = emit.dims(x);
  const over = trailingAxes(node.int("axis", -1), dims.length);
  const kept = dims.map((size, axis) => (over.includes(axis) ? 1 : size));
  const mean = auxiliaryOutput(context, 1, "float32", kept);
  const inverse = auxiliaryOutput(context, 2, "float32", kept);
  const standard = emit.mul(emit.sub(x, mean), inverse);
  return [
    wants(0) ? throughStandardisation(emit, emit.mul(dy, input(1)), standard, inverse, over) : null,
    wants(1) ? emit.sumTo(emit.mul(dy, standard), emit.dims(input(1))) : null,
    wants(2) ? emit.sumTo(dy, emit.dims(input(2))) : null,
  ];
};

const rmsNormalization: GradientRule = (context) => {
  const { emit, node, input, wants } = context;
  const [x, scale, dy] = [input(0), input(1), incomingOf(context)];
  const over = trailingAxes(node.int("axis", -1), emit.dims(x).length);
  const square = emit.reduce("ReduceMean", emit.mul(x, x), over);
  const inverse = inverseDeviation(emit, square, epsilonOf(context));
  const standard = emit.mul(x, inverse);
  const g = emit.mul(dy, scale);
  const projection = emit.mul(standard, emit.reduce("ReduceMean", emit.mul(g, standard), over));
  return [
    wants(0) ? emit.mul(emit.sub(g, projection), inverse) : null,
    wants(1) ? emit.sumTo(emit.mul(dy, standard), emit.dims(scale)) : null,
  ];
};

/** Statistics per image and group of channels: of one channel each (Instance) or of several (Group). */
function groupwise(groupsOf: (context: GradientContext, channels: number) => number): GradientRule {
  return (context) => {
    const { emit, input, wants } = context;
    const [x, dy] = [input(0), incomingOf(context)];
    const dims = emit.dims(x);
    const [batch, channels, ...spatial] = dims;
    const groups = groupsOf(context, channels!);
    const grouped = [batch!, groups, elementCount(dims) / (batch! * groups)];
    const { standard, inverse } = standardised(emit, emit.reshape(x, grouped), [2], epsilonOf(context));
    const scale = emit.reshape(input(1), [1, channels!, ...spatial.map(() => 1)]);
    const g = emit.reshape(emit.mul(dy, scale), grouped);
    const perChannel = (value: Value) => {
      const over = dims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
      return emit.reduce("ReduceSum", value, over, false);
    };
    return [
      wants(0) ? emit.reshape(throughStandardisation(emit, g, standard, inverse, [2]), dims) : null,
      wants(1) ? perChannel(emit.mul(dy, emit.reshape(standard, dims))) : null,
      wants(2) ? perChannel(dy) : null,
    ];
  };
}

const instanceNormalization = groupwise((_, channels) => channels);

const groupNormalization = groupwise(({ node, emit, unsupported }) => {
  if (emit.model.opset < 21) throw unsupported("before operator set 21 its scale is per group");
  return node.int("num_groups", 1);
});

/** The operator's own epsilon (ONNX MeanVarianceNormalization). */
const meanVarianceNormalization: GradientRule = (context) => {
  const { emit, node, input } = context;
  const over = node.ints("axes") ?? [0, 2, 3];
  const { standard, inverse } = standardised(emit, input(0), over, 1e-9);
  return [throughStandardisation(emit, incomingOf(context), standard, inverse, over)];
};

/** y = x / |x| along an axis, so that dx = (dy - d|x| sum(dy y)) / |x| where d|x| is y (p = 2) or sign x (p = 1). */
const lpNormalization: GradientRule = (context) => {
  const { emit, node, input, output } = context;
  const [x, dy] = [input(0), incomingOf(context)];
  const axes = [node.int("axis", -1)];
  const isEuclidean = node.int("p", 2) === 2;
  const norm = emit.op(isEuclidean ? "ReduceL2" : "ReduceL1", [x, emit.integers(axes)]);
  const slope = isEuclidean ? output() : emit.op("Sign", [x]);
  const projection = emit.mul(slope, emit.reduce("ReduceSum", emit.mul(dy, output()), axes));
  return [emit.div(emit.sub(dy, projection), norm)];
};

/** dx from g, the gradient with respect to the standardised values. `inverse` is 1 / deviation, axes kept. */
function throughStandardisation(
  emit: Emitter,
  g: Value,
  standard: Value,
  inverse: Value,
  over: readonly number[],
): Value {
  const mean = (value: Value) => emit.reduce("ReduceMean", value, over);
  const projection = emit.mul(standard, mean(emit.mul(g, standard)));
  return emit.mul(emit.sub(emit.sub(g, mean(g)), projection), inverse);
}

function standardised(emit: Emitter, x: Value, over: readonly number[], epsilon: number) {
  const { centred, variance } = statistics(emit, x, over);
  const inverse = inverseDeviation(emit, variance, epsilon);
  return { standard: emit.mul(centred, inverse), inverse };
}

/** Axes are kept with size 1; the variance is that of the population. */
function statistics(emit: Emitter, x: Value, over: readonly number[]) {
  const mean = emit.reduce("ReduceMean", x, over);
  const centred = emit.sub(x, mean);
  return { mean, centred, variance: emit.reduce("ReduceMean", emit.mul(centred, centred), over) };
}

function inverseDeviation(emit: Emitter, variance: Value, epsilon: number): Value {
  return emit.op("Reciprocal", [emit.op("Sqrt", [emit.add(variance, epsilon)])]);
}

function trailingAxes(axis: number, rank: number): number[] {
  const first = fromStart(axis, rank);
  return Array.from({ length: rank - first }, (_, index) => first + index);
}

const zeros = (emit: Emitter, size: number): Value =>
  emit.constant(Tensor.float32([size], new Float32Array(size)));

export const normalisationGradients: GradientTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  RMSNormalization: rmsNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  LpNormalization: lpNormalization,
};
