/**
 * A small network in the manner of SqueezeNet (Iandola et al. 2016, https://arxiv.org/abs/1602.07360): biases
 * and no BatchNormalization, so that channels speak as loudly as training left them; two branches meet in a
 * Concat. Such networks lose more to eight bits than residual ones.
 */
import { createRandom } from "@cupel/base";
import { type Attribute, attribute, Model, Tensor, tensorType, Value } from "@cupel/onnx";

export interface SqueezeNetOptions {
  /** Channels, height and width in pixels. */
  readonly input: readonly [channels: number, height: number, width: number];
  readonly classes: number;
  /** Output channels of the first convolution; the others are multiples. Default 32. */
  readonly width?: number;
  /** Of the first convolution. Default 1. */
  readonly stride?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Input `input` `[N, channels, height, width]`, output `logits` `[N, classes]`. */
export function squeezenet(options: SqueezeNetOptions): Model {
  const { input, classes, width = 32, stride = 1, seed = 1 } = options;
  const net = new Builder(input, seed);
  let value = net.conv(net.input, "conv1", [input[0], width], { kernel: 3, stride });
  let channels = width;
  for (const [stage, squeezed] of [width / 2, width].entries()) {
    value = net.node("MaxPool", `pool${stage + 1}`, [value], window(3, 2));
    for (const block of [1, 2]) {
      value = net.fire(value, `fire${stage + 1}.${block}`, [channels, squeezed, 2 * squeezed]);
      channels = 4 * squeezed;
    }
  }
  const scores = net.conv(value, "classifier", [channels, classes], { kernel: 1 });
  const pooled = net.node("GlobalAveragePool", "avgpool", [scores]);
  const logits = net.node("Flatten", "logits", [pooled], { axis: attribute.int(1) });
  logits.type = tensorType("float32", ["N", classes]);
  net.model.graph.outputs.push(logits);
  return net.model;
}

class Builder {
  readonly model = new Model({ irVersion: 8, opsets: new Map([["", 18]]) });
  readonly input: Value;
  readonly #random: ReturnType<typeof createRandom>;

  constructor(dims: readonly number[], seed: number) {
    this.#random = createRandom(seed);
    this.input = this.model.graph.add(new Value("input", tensorType("float32", ["N", ...dims])));
    this.model.graph.inputs.push(this.input);
  }

  /** Two convolutions of one squeezed input, side by side. */
  fire(input: Value, name: string, [channels, squeezed, expanded]: readonly [number, number, number]): Value {
    const squeeze = this.conv(input, `${name}.squeeze`, [channels, squeezed], { kernel: 1 });
    const branches = [1, 3].map((kernel) =>
      this.conv(squeeze, `${name}.expand${kernel}x${kernel}`, [squeezed, expanded], { kernel }),
    );
    return this.node("Concat", `${name}.concat`, branches, { axis: attribute.int(1) });
  }

  /** With bias and Relu; He's initialisation by fan in. */
  conv(
    input: Value,
    name: string,
    [from, to]: readonly [number, number],
    { kernel, stride = 1 }: { readonly kernel: number; readonly stride?: number },
  ): Value {
    const fanIn = from * kernel * kernel;
    const weights = Array.from({ length: to * fanIn }, () => Math.sqrt(2 / fanIn) * this.#random.normal());
    const parameters = [
      this.model.graph.addConstant(`${name}.weight`, Tensor.float32([to, from, kernel, kernel], weights)),
      this.model.graph.addConstant(`${name}.bias`, Tensor.float32([to], new Array<number>(to).fill(0))),
    ];
    const conv = this.node("Conv", name, [input, ...parameters], window(kernel, stride));
    return this.node("Relu", `${name}.relu`, [conv]);
  }

  node(
    opType: string,
    name: string,
    inputs: readonly Value[],
    attributes: Record<string, Attribute> = {},
  ): Value {
    return this.model.graph.append({ opType, name, inputs, outputs: [name], attributes }).output;
  }
}

function window(kernel: number, stride: number): Record<string, Attribute> {
  return {
    kernel_shape: attribute.ints([kernel, kernel]),
    pads: attribute.ints(new Array<number>(4).fill((kernel - 1) / 2)),
    strides: attribute.ints([stride, stride]),
  };
}
