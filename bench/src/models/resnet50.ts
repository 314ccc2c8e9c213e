/**
 * ResNet-50 (He et al., 2015; torchvision's variant with the stride in the 3x3 convolution) with weights
 * drawn from a seed: the size, the shapes and the graph of the real model for measuring time and memory,
 * where no pretrained one may be had. Names and structure are those of PyTorch's exporter, opset 17.
 *
 * Weights follow He: a convolution turns an input of mean square q into outputs of variance 2q. The
 * running variances of the BatchNorms are set to that, so that every activation has a spread near 1.
 */
import { createRandom, type Random } from "@cupel/base";
import { attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";

export interface ResNet50Options {
  /** Channels of the first convolution; the others are multiples. Default 64, the published width. */
  readonly width?: number;
  /** Height and width of the input in pixels. Default 224. */
  readonly imageSize?: number;
  /** Default 1000. */
  readonly classes?: number;
  /** Default 1. */
  readonly seed?: number;
  /**
   * "separate": Conv without bias, then BatchNormalization, as exported for training (the default).
   * "behind-identity": BatchNorms folded into Conv, as exported for inference. Biases that are equal, here
   * all of a width, are stored once and the other layers read them through Identity. That trap is the
   * exporter's own: a quantiser that does not see through Identity leaves those layers in float.
   */
  readonly batchNorms?: "separate" | "behind-identity";
}

/** Blocks and channels of the four stages, the latter as a multiple of the width, before expansion. */
const stages = [
  { blocks: 3, multiple: 1 },
  { blocks: 4, multiple: 2 },
  { blocks: 6, multiple: 4 },
  { blocks: 3, multiple: 8 },
] as const;
/** Of a bottleneck's outputs over its inner channels. */
const expansion = 4;
/** Residual branches speak softly, or the spread would grow with each of the 16 blocks. */
const branchGain = 0.5;
/** Roughly the mean square of the largest of nine rectified normal values: what MaxPool hands on. */
const powerAfterPool = 2;
const epsilon = 1e-5;

/** An activation and the mean square it has by calculation. */
interface Activation {
  readonly value: Value;
  readonly channels: number;
  readonly power: number;
}

interface ConvolutionSpec {
  readonly channels: number;
  readonly kernel: 1 | 3 | 7;
  readonly stride?: 1 | 2;
  /** Standard deviation of the normalised output. Default 1. */
  readonly gain?: number;
}

/** Input `input` `[N, 3, H, W]`, output `logits` `[N, classes]`. */
export function resnet50(options: ResNet50Options = {}): Model {
  const { width = 64, imageSize = 224, classes = 1000, seed = 1, batchNorms = "separate" } = options;
  const model = new Model({ irVersion: 8, opsets: new Map([["", 17]]), producerName: "cupel-bench" });
  const { graph } = model;
  const input = graph.add(new Value("input", tensorType("float32", ["N", 3, imageSize, imageSize])));
  graph.inputs.push(input);
  const net = new Layers(model, createRandom(seed), batchNorms);

  const stem = net.relu(
    net.convolution({ value: input, channels: 3, power: 1 }, "conv1", {
      channels: width,
      kernel: 7,
      stride: 2,
    }),
    "relu",
  );
  let stream: Activation = { ...stem, value: net.maxPool(stem.value), power: powerAfterPool };
  for (const [s, { blocks, multiple }] of stages.entries()) {
    for (let b = 0; b < blocks; b++) {
      const stride = s > 0 && b === 0 ? 2 : 1;
      stream = bottleneck(net, stream, `layer${s + 1}.${b}`, width * multiple, stride);
    }
  }
  graph.outputs.push(net.classifier(stream, classes));
  return model;
}

function bottleneck(
  net: Layers,
  input: Activation,
  name: string,
  channels: number,
  stride: 1 | 2,
): Activation {
  const outer = channels * expansion;
  const reduced = net.relu(net.convolution(input, `${name}.conv1`, { channels, kernel: 1 }), `${name}.relu`);
  const inner = net.relu(
    net.convolution(reduced, `${name}.conv2`, { channels, kernel: 3, stride }),
    `${name}.relu_1`,
  );
  const branch = net.convolution(inner, `${name}.conv3`, { channels: outer, kernel: 1, gain: branchGain });
  const isSameShape = input.channels === outer && stride === 1;
  const shortcut = isSameShape
    ? input
    : net.convolution(input, `${name}.downsample.0`, { channels: outer, kernel: 1, stride });
  return net.relu(net.add(branch, shortcut, name), `${name}.relu_2`, isSameShape);
}

/** Appends layers as the exporter writes them. */
class Layers {
  readonly #model: Model;
  readonly #random: Random;
  readonly #batchNorms: "separate" | "behind-identity";
  /** The first bias of each width. */
  readonly #biases = new Map<number, Value>();

  constructor(model: Model, random: Random, batchNorms: "separate" | "behind-identity") {
    this.#model = model;
    this.#random = random;
    this.#batchNorms = batchNorms;
  }

  convolution(input: Activation, name: string, spec: ConvolutionSpec): Activation {
    const { channels, kernel, stride = 1, gain = 1 } = spec;
    const { graph } = this.#model;
    const variance = 2 * input.power;
    const isFolded = this.#batchNorms === "behind-identity";
    const fanIn = input.channels * kernel * kernel;
    const deviation = Math.sqrt(2 / fanIn) * (isFolded ? gain / Math.sqrt(variance) : 1);
    const weight = this.#parameter(
      `${name}.weight`,
      [channels, input.channels, kernel, kernel],
      () => this.#random.normal() * deviation,
    );
    const pad = (kernel - 1) / 2;
    const node = graph.append({
      opType: "Conv",
      name: `/${name}/Conv`,
      inputs: [input.value, weight, ...(isFolded ? [this.#sharedBias(name, channels)] : [])],
      outputs: [`/${name}/Conv_output_0`],
      attributes: {
        dilations: attribute.ints([1, 1]),
        group: attribute.int(1),
        kernel_shape: attribute.ints([kernel, kernel]),
        pads: attribute.ints([pad, pad, pad, pad]),
        strides: attribute.ints([stride, stride]),
      },
    });
    const value = isFolded ? node.output : this.#batchNorm(node.output, name, channels, { variance, gain });
    return { value, channels, power: gain * gain };
  }

  /** @param isRectified when the input's larger part was already at least 0, little of it is cut off. */
  relu(input: Activation, name: string, isRectified = false): Activation {
    const value = this.#append("Relu", name, [input.value]);
    return { ...input, value, power: isRectified ? input.power : input.power / 2 };
  }

  add(first: Activation, second: Activation, name: string): Activation {
    const value = this.#append("Add", name, [first.value, second.value]);
    return { value, channels: first.channels, power: first.power + second.power };
  }

  maxPool(input: Value): Value {
    return this.#append("MaxPool", "maxpool", [input], {
      ceil_mode: attribute.int(0),
      kernel_shape: attribute.ints([3, 3]),
      pads: attribute.ints([1, 1, 1, 1]),
      strides: attribute.ints([2, 2]),
    });
  }

  classifier(input: Activation, classes: number): Value {
    const pooled = this.#append("GlobalAveragePool", "avgpool", [input.value]);
    const features = this.#append("Flatten", "flatten", [pooled], { axis: attribute.int(1) });
    const deviation = Math.sqrt(1 / input.channels);
    const weight = this.#parameter(
      "fc.weight",
      [classes, input.channels],
      () => this.#random.normal() * deviation,
    );
    const bias = this.#parameter("fc.bias", [classes], () => this.#random.normal() * deviation);
    return this.#model.graph.append({
      opType: "Gemm",
      name: "/fc/Gemm",
      inputs: [features, weight, bias],
      outputs: ["logits"],
      attributes: { alpha: attribute.float(1), beta: attribute.float(1), transB: attribute.int(1) },
      type: tensorType("float32", ["N", classes]),
    }).output;
  }

  #batchNorm(
    input: Value,
    convolution: string,
    channels: number,
    of: { variance: number; gain: number },
  ): Value {
    const name = convolution.replace("conv", "bn").replace("downsample.0", "downsample.1");
    const around = (centre: number, spread: number) => () =>
      centre * (1 + spread * (2 * this.#random.uniform() - 1));
    const parameters = [
      this.#parameter(`${name}.weight`, [channels], around(of.gain, 0.5)),
      this.#parameter(`${name}.bias`, [channels], () => 0.1 * of.gain * this.#random.normal()),
      this.#parameter(
        `${name}.running_mean`,
        [channels],
        () => 0.1 * Math.sqrt(of.variance) * this.#random.normal(),
      ),
      this.#parameter(`${name}.running_var`, [channels], around(of.variance, 0.2)),
    ];
    return this.#append("BatchNormalization", name, [input, ...parameters], {
      epsilon: attribute.float(epsilon),
      momentum: attribute.float(0.9),
    });
  }

  #sharedBias(name: string, channels: number): Value {
    const stored = this.#biases.get(channels);
    if (stored) return this.#append("Identity", `${name}.bias`, [stored]);
    const bias = this.#parameter(`${name}.bias`, [channels], () => 0.05 * this.#random.normal());
    this.#biases.set(channels, bias);
    return bias;
  }

  #parameter(name: string, dims: readonly number[], draw: () => number): Value {
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1)).map(draw);
    const { graph } = this.#model;
    const value = graph.add(new Value(name, tensorType("float32", dims)));
    graph.setConstant(value, Tensor.float32(dims, values));
    return value;
  }

  #append(
    opType: string,
    name: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, ReturnType<typeof attribute.int>>> = {},
  ): Value {
    return this.#model.graph.append({
      opType,
      name: `/${name}/${opType}`,
      inputs,
      outputs: [`/${name}/${opType}_output_0`],
      attributes,
    }).output;
  }
}
