/**
 * Writes the layers of a network as plain ONNX, as PyTorch's exporter writes them for training: Conv
 * without bias, BatchNormalization unfused, Gemm with a transposed weight. Parameters have the names of
 * PyTorch's state dict ("layer1.0.conv1.weight"), so that weights can be moved between the two by name.
 */
import { createRandom, elementCount, type Random } from "@cupel/base";
import { type Attribute, attribute, bytesOf, Model, Tensor, tensorType, Value } from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import { constant, heFanOut, type Initialiser } from "./initialiser.ts";

/** Channels, height and width in pixels. */
export type InputSize = readonly [channels: number, height: number, width: number];

/** What flows between layers: a float32 value of the shape [N, ...dims]. */
export interface Feature {
  readonly value: Value;
  readonly dims: readonly number[];
}

export interface ConvSpec {
  /** Output channels. */
  readonly channels: number;
  /** Height and width; odd. Padded such that a stride of 1 keeps the size. */
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly groups?: number;
}

export class NetworkBuilder {
  /** "input", [N, ...dims]. */
  readonly input: Feature;
  readonly #model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  readonly #random: Random;

  constructor(dims: readonly number[], seed: number) {
    this.#random = createRandom(seed);
    this.input = { value: new Value("input", tensorType("float32", ["N", ...dims])), dims };
    this.#model.graph.inputs.push(this.#model.graph.add(this.input.value));
  }

  /** A convolution without bias, He's initialisation by fan out. @throws TRAINING_CONFIG_INVALID */
  conv(input: Feature, name: string, { channels, kernel, stride = 1, groups = 1 }: ConvSpec): Feature {
    const weight = [channels, input.dims[0]! / groups, kernel, kernel];
    return this.#append("Conv", name, [input, this.#parameter(`${name}.weight`, weight, heFanOut)], {
      dims: [channels, ...this.#slid(input, name, kernel, stride)],
      attributes: {
        dilations: attribute.ints([1, 1]),
        group: attribute.int(groups),
        ...windowAttributes(kernel, stride),
      },
    });
  }

  /** Inference form; scale `gamma` (default 1), shift 0, running mean 0 and variance 1. */
  batchNorm(input: Feature, name: string, gamma = 1): Feature {
    const channels = [input.dims[0]!];
    const parameters = Object.entries({ weight: gamma, bias: 0, running_mean: 0, running_var: 1 });
    return this.#append(
      "BatchNormalization",
      name,
      [
        input,
        ...parameters.map(([part, value]) => this.#parameter(`${name}.${part}`, channels, constant(value))),
      ],
      { attributes: { epsilon: attribute.float(1e-5), momentum: attribute.float(0.9) } },
    );
  }

  /** An activation without parameters. */
  activation(input: Feature, name: string, opType: "Relu" | "Tanh" | "Sigmoid"): Feature {
    return this.#append(opType, name, [input]);
  }

  relu(input: Feature, name: string): Feature {
    return this.activation(input, name, "Relu");
  }

  /** Clip to 0..6. */
  relu6(input: Feature, name: string): Feature {
    const bounds = { min: 0, max: 6 };
    const constants = Object.entries(bounds).map(([bound, value]) =>
      this.#constant(`${name}.${bound}`, Tensor.float32([], [value])),
    );
    return this.#append("Clip", name, [input, ...constants]);
  }

  add(a: Feature, b: Feature, name: string): Feature {
    return this.#append("Add", name, [a, b]);
  }

  /** @throws TRAINING_CONFIG_INVALID */
  maxPool(input: Feature, name: string, kernel: number, stride: number): Feature {
    return this.#append("MaxPool", name, [input], {
      dims: [input.dims[0]!, ...this.#slid(input, name, kernel, stride)],
      attributes: windowAttributes(kernel, stride),
    });
  }

  /** The mean over each channel's map: [N, C, H, W] to [N, C]. */
  averagePool(input: Feature): Feature {
    const channels = input.dims[0]!;
    const pooled = this.#append("GlobalAveragePool", "avgpool", [input], { dims: [channels, 1, 1] });
    const attributes = { axis: attribute.int(1) };
    return this.#append("Flatten", "flatten", [pooled], { dims: [channels], attributes });
  }

  /** Every `step`th row and column. */
  subsample(input: Feature, name: string, step: number): Feature {
    const [channels, height, width] = input.dims as InputSize;
    const bounds = { starts: [0, 0], ends: [height, width], axes: [2, 3], steps: [step, step] };
    const constants = Object.entries(bounds).map(([bound, values]) =>
      this.#constant(`${name}.${bound}`, Tensor.int64([2], values)),
    );
    const dims = [channels, Math.ceil(height / step), Math.ceil(width / step)];
    return this.#append("Slice", name, [input, ...constants], { dims });
  }

  /** Channels of zeros before and behind, half of them each, until there are `channels`. */
  padChannels(input: Feature, name: string, channels: number): Feature {
    const [given, ...map] = input.dims as InputSize;
    const before = Math.floor((channels - given) / 2);
    const pads = Tensor.int64([8], [0, before, 0, 0, 0, channels - given - before, 0, 0]);
    return this.#append("Pad", name, [input, this.#constant(`${name}.pads`, pads)], {
      dims: [channels, ...map],
      attributes: { mode: attribute.string("constant") },
    });
  }

  /** [N, inputs] to [N, outputs]: the product with the transposed weight [outputs, inputs], plus a bias. */
  linear(
    input: Feature,
    name: string,
    outputs: number,
    initialisers: { readonly weight: Initialiser; readonly bias: Initialiser },
  ): Feature {
    const weight = this.#parameter(`${name}.weight`, [outputs, input.dims[0]!], initialisers.weight);
    const bias = this.#parameter(`${name}.bias`, [outputs], initialisers.bias);
    return this.#append("Gemm", name, [input, weight, bias], {
      dims: [outputs],
      attributes: { alpha: attribute.float(1), beta: attribute.float(1), transB: attribute.int(1) },
    });
  }

  /** The model, whose only output is `output` under the name "logits". The builder MUST NOT be used again. */
  build(output: Feature): Model {
    this.#model.graph.rename(output.value, "logits");
    this.#model.graph.outputs.push(output.value);
    return this.#model;
  }

  /** Height and width behind a padded window. */
  #slid(input: Feature, name: string, kernel: number, stride: number): number[] {
    const map = input.dims.slice(1);
    if (map.some((size) => size < stride)) {
      throw trainErrors.error(
        "TRAINING_CONFIG_INVALID",
        `The input [${this.input.dims}] is too small for this network: at "${name}", which takes steps of ${stride}, ` +
          `a map of [${map}] is left of it. Take larger images or, where the network has one, the stem for small ones.`,
        { details: { input: this.input.dims, layer: name, map } },
      );
    }
    return map.map((size) => Math.floor((size + 2 * padding(kernel) - kernel) / stride) + 1);
  }

  #parameter(name: string, dims: readonly number[], initialiser: Initialiser): Value {
    const draw = initialiser(dims);
    const values = new Float32Array(elementCount(dims));
    for (let i = 0; i < values.length; i++) values[i] = draw(this.#random);
    return this.#constant(name, Tensor.fromBytes("float32", dims, bytesOf(values)));
  }

  #constant(name: string, tensor: Tensor): Value {
    const { graph } = this.#model;
    const value = graph.add(new Value(name, tensorType(tensor.type, tensor.dims)));
    graph.setConstant(value, tensor);
    return value;
  }

  /** The output has the dims of the first input unless given. */
  #append(
    opType: string,
    name: string,
    inputs: readonly [Feature, ...(Feature | Value)[]],
    {
      dims = inputs[0].dims,
      attributes = {},
    }: { dims?: readonly number[]; attributes?: Readonly<Record<string, Attribute>> } = {},
  ): Feature {
    const node = this.#model.graph.append({
      opType,
      name: `/${name}/${opType}`,
      inputs: inputs.map((input) => (input instanceof Value ? input : input.value)),
      outputs: [`/${name}/${opType}_output_0`],
      attributes,
      type: tensorType("float32", ["N", ...dims]),
    });
    return { value: node.output, dims };
  }
}

function padding(kernel: number): number {
  return (kernel - 1) / 2;
}

function windowAttributes(kernel: number, stride: number): Record<string, Attribute> {
  return {
    kernel_shape: attribute.ints([kernel, kernel]),
    pads: attribute.ints(Array.from({ length: 4 }, () => padding(kernel))),
    strides: attribute.ints([stride, stride]),
  };
}
