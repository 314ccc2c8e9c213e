/**
 * MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381): inverted residual blocks, wide and
 * depthwise inside, narrow and linear between. Structure, parameter names and initialisation as in
 * torchvision; its Dropout before the classifier is left out.
 */
import type { Model } from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import { assertOneOf, assertSizes } from "./check-options.ts";
import { constant, normal } from "./initialiser.ts";
import { type ConvSpec, type Feature, type InputSize, NetworkBuilder } from "./network-builder.ts";

export interface MobileNetV2Options {
  readonly classes: number;
  /** Channels, height and width in pixels. */
  readonly input: InputSize;
  /** Multiplies the channels of every layer, rounded to multiples of 8. Default 1. */
  readonly width?: number;
  /**
   * "imagenet", the default: the published strides; inputs from 17 pixels. "cifar": the first two strides
   * are 1, so that a 32-pixel image ends as 4x4; from 5.
   */
  readonly stem?: "imagenet" | "cifar";
  /** Of the initial weights. Default 1. */
  readonly seed?: number;
}

/** Table 2 of the paper: t expands inside a block, c channels leave it, n blocks, s the stride of the first. */
const stages = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 2, s: 2 },
  { t: 6, c: 32, n: 3, s: 2 },
  { t: 6, c: 64, n: 4, s: 2 },
  { t: 6, c: 96, n: 3, s: 1 },
  { t: 6, c: 160, n: 3, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;
const stemChannels = 32;
const lastChannels = 1280;

/** Input `input` [N, channels, height, width], output `logits` [N, classes]. @throws TRAINING_CONFIG_INVALID */
export function mobilenetV2(options: MobileNetV2Options): Model {
  const { classes, input, width = 1, stem = "imagenet", seed = 1 } = options;
  const [channels, height, pixels] = input;
  assertSizes({ classes, "input channels": channels, "input height": height, "input width": pixels });
  assertOneOf("stem", stem, ["imagenet", "cifar"]);
  if (!(width > 0 && Number.isFinite(width))) {
    throw trainErrors.error("TRAINING_CONFIG_INVALID", `"width" must be greater than 0; it is ${width}.`, {
      details: { option: "width", value: width },
    });
  }
  const net = new NetworkBuilder(input, seed);
  const isSmall = stem === "cifar";
  let stream = convBatchNormRelu6(net, net.input, "features.0", {
    channels: divisible(stemChannels * width),
    kernel: 3,
    stride: isSmall ? 1 : 2,
  });
  let index = 1;
  for (const { t, c, n, s } of stages) {
    const firstStride = isSmall && index === 2 ? 1 : s;
    for (let block = 0; block < n; block++) {
      stream = invertedResidual(net, stream, `features.${index++}`, {
        expansion: t,
        channels: divisible(c * width),
        stride: block === 0 ? firstStride : 1,
      });
    }
  }
  const last = { channels: divisible(lastChannels * Math.max(1, width)), kernel: 1 };
  const features = net.averagePool(convBatchNormRelu6(net, stream, `features.${index}`, last));
  const initialisers = { weight: normal(0.01), bias: constant(0) };
  return net.build(net.linear(features, "classifier.1", classes, initialisers));
}

function invertedResidual(
  net: NetworkBuilder,
  input: Feature,
  name: string,
  spec: { readonly expansion: number; readonly channels: number; readonly stride: number },
): Feature {
  const { expansion, channels, stride } = spec;
  const wide = input.dims[0]! * expansion;
  let position = 0;
  const part = (): string => `${name}.conv.${position++}`;
  const expanded =
    expansion === 1 ? input : convBatchNormRelu6(net, input, part(), { channels: wide, kernel: 1 });
  const depthwise = { channels: wide, kernel: 3, stride, groups: wide };
  const filtered = convBatchNormRelu6(net, expanded, part(), depthwise);
  const projected = net.batchNorm(net.conv(filtered, part(), { channels, kernel: 1 }), part());
  return stride === 1 && input.dims[0] === channels ? net.add(input, projected, name) : projected;
}

function convBatchNormRelu6(net: NetworkBuilder, input: Feature, name: string, spec: ConvSpec): Feature {
  return net.relu6(net.batchNorm(net.conv(input, `${name}.0`, spec), `${name}.1`), `${name}.2`);
}

/** The nearest multiple of 8, at least 8 and never under 90 % of what was asked. */
function divisible(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}
