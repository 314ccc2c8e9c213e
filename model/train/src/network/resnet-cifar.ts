/**
 * The residual networks for small images of He et al. 2015, section 4.2
 * (https://arxiv.org/abs/1512.03385): three stages of n basic blocks, 6n + 2 layers in all, shortcuts
 * without parameters (option A). ResNet-20 has 0.27 M parameters. Names as in the widely used
 * https://github.com/akamaster/pytorch_resnet_cifar10, so that its weights fit.
 */
import type { Model } from "@cupel/onnx";
import { trainErrors } from "../errors.ts";
import { assertSizes } from "./check-options.ts";
import { uniformFanIn } from "./initialiser.ts";
import { type InputSize, NetworkBuilder } from "./network-builder.ts";
import { basicBranch, paddedIdentity, residualStages } from "./residual-stages.ts";

export interface ResNetCifarOptions {
  /** 6n + 2: the paper has 20, 32, 44, 56 and 110. */
  readonly depth: number;
  readonly classes: number;
  /** Channels, height and width in pixels; from 3 pixels. */
  readonly input: InputSize;
  /** Channels of the stem and the first stage; the others are multiples. Default 16, the published width. */
  readonly width?: number;
  /** Of the initial weights. Default 1. */
  readonly seed?: number;
  /** Starts every block as the identity by a last BatchNorm of scale 0. Default false. */
  readonly zeroInitResidual?: boolean;
}

/** Input `input` [N, channels, height, width], output `logits` [N, classes]. @throws TRAINING_CONFIG_INVALID */
export function resnetCifar(options: ResNetCifarOptions): Model {
  const { depth, classes, input, width = 16, seed = 1, zeroInitResidual = false } = options;
  const [channels, height, pixels] = input;
  assertSizes({ classes, width, "input channels": channels, "input height": height, "input width": pixels });
  const count = (depth - 2) / 6;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw trainErrors.error(
      "TRAINING_CONFIG_INVALID",
      `"depth" must be 6n + 2, such as 20, 32 or 56; it is ${depth}.`,
      { details: { option: "depth", value: depth } },
    );
  }
  const net = new NetworkBuilder(input, seed);
  const stem = net.batchNorm(net.conv(net.input, "conv1", { channels: width, kernel: 3 }), "bn1");
  const features = residualStages(net, net.relu(stem, "relu"), {
    branch: basicBranch,
    shortcut: paddedIdentity,
    blocks: [count, count, count],
    width,
    zeroInitResidual,
  });
  const pooled = net.averagePool(features);
  const initialiser = uniformFanIn(pooled.dims[0]!);
  return net.build(net.linear(pooled, "linear", classes, { weight: initialiser, bias: initialiser }));
}
