/**
 * ResNet-18, -34 and -50 (He et al. 2015, https://arxiv.org/abs/1512.03385), structure, parameter names and
 * initialisation as in torchvision.
 */
import type { Model } from "@cupel/onnx";
import { assertOneOf, assertSizes } from "./check-options.ts";
import { uniformFanIn } from "./initialiser.ts";
import { type Feature, type InputSize, NetworkBuilder } from "./network-builder.ts";
import { type Branch, basicBranch, bottleneckBranch, projection, residualStages } from "./residual-stages.ts";

export interface ResNetOptions {
  readonly classes: number;
  /** Channels, height and width in pixels. */
  readonly input: InputSize;
  /** Channels of the stem and the first stage; the others are multiples. Default 64, the published width. */
  readonly width?: number;
  /**
   * "imagenet", the default: a 7x7 convolution and a pooling that shrink the image four times before the
   * first stage; inputs from 17 pixels. "cifar": a 3x3 convolution that keeps its size; from 5.
   */
  readonly stem?: keyof typeof stems;
  /** Of the initial weights. Default 1. */
  readonly seed?: number;
  /**
   * Starts every block as the identity by a last BatchNorm of scale 0 (Goyal et al. 2017,
   * https://arxiv.org/abs/1706.02677). Default false.
   */
  readonly zeroInitResidual?: boolean;
}

const stems = {
  imagenet: (net: NetworkBuilder, channels: number): Feature => {
    const reduced = net.conv(net.input, "conv1", { channels, kernel: 7, stride: 2 });
    return net.maxPool(net.relu(net.batchNorm(reduced, "bn1"), "relu"), "maxpool", 3, 2);
  },
  cifar: (net: NetworkBuilder, channels: number): Feature =>
    net.relu(net.batchNorm(net.conv(net.input, "conv1", { channels, kernel: 3 }), "bn1"), "relu"),
};

/** Input `input` [N, channels, height, width], output `logits` [N, classes]. @throws TRAINING_CONFIG_INVALID */
export function resnet18(options: ResNetOptions): Model {
  return resnet(basicBranch, [2, 2, 2, 2], options);
}

/** As `resnet18`, with 16 blocks instead of 8. @throws TRAINING_CONFIG_INVALID */
export function resnet34(options: ResNetOptions): Model {
  return resnet(basicBranch, [3, 4, 6, 3], options);
}

/** As `resnet34`, with bottleneck blocks. @throws TRAINING_CONFIG_INVALID */
export function resnet50(options: ResNetOptions): Model {
  return resnet(bottleneckBranch, [3, 4, 6, 3], options);
}

function resnet(branch: Branch, blocks: readonly number[], options: ResNetOptions): Model {
  const { classes, input, width = 64, stem = "imagenet", seed = 1, zeroInitResidual = false } = options;
  const [channels, height, pixels] = input;
  assertSizes({ classes, width, "input channels": channels, "input height": height, "input width": pixels });
  assertOneOf("stem", stem, Object.keys(stems));
  const net = new NetworkBuilder(input, seed);
  const spec = { branch, shortcut: projection, blocks, width, zeroInitResidual };
  const features = net.averagePool(residualStages(net, stems[stem](net, width), spec));
  const initialiser = uniformFanIn(features.dims[0]!);
  return net.build(net.linear(features, "fc", classes, { weight: initialiser, bias: initialiser }));
}
