/**
 * The stages of residual networks (He et al. 2015, https://arxiv.org/abs/1512.03385): blocks whose output
 * is added to their input, halving the map and doubling the channels from stage to stage.
 */
import type { Feature, NetworkBuilder } from "./network-builder.ts";

/** Gives the input of a block the channels and the size of its output. */
export type Shortcut = (
  net: NetworkBuilder,
  input: Feature,
  block: { readonly name: string; readonly channels: number; readonly stride: number },
) => Feature;

interface BranchSpec {
  readonly name: string;
  /** Of the 3x3 convolutions. */
  readonly channels: number;
  readonly stride: number;
  /** Scale of the last BatchNorm. */
  readonly lastGamma: number;
}

/** A block without its shortcut: all but the addition and the Relu behind it. */
export interface Branch {
  /** Output channels over those of the 3x3 convolutions. */
  readonly expansion: number;
  append(net: NetworkBuilder, input: Feature, spec: BranchSpec): Feature;
}

/** Two 3x3 convolutions. */
export const basicBranch: Branch = {
  expansion: 1,
  append(net, input, { name, channels, stride, lastGamma }) {
    const first = net.conv(input, `${name}.conv1`, { channels, kernel: 3, stride });
    const inner = net.relu(net.batchNorm(first, `${name}.bn1`), `${name}.relu1`);
    const second = net.conv(inner, `${name}.conv2`, { channels, kernel: 3 });
    return net.batchNorm(second, `${name}.bn2`, lastGamma);
  },
};

/** 1x1, 3x3, 1x1. The stride is in the 3x3, as in torchvision ("v1.5"); the paper has it in the first. */
export const bottleneckBranch: Branch = {
  expansion: 4,
  append(net, input, { name, channels, stride, lastGamma }) {
    const reduced = net.conv(input, `${name}.conv1`, { channels, kernel: 1 });
    const narrow = net.relu(net.batchNorm(reduced, `${name}.bn1`), `${name}.relu1`);
    const spatial = net.conv(narrow, `${name}.conv2`, { channels, kernel: 3, stride });
    const inner = net.relu(net.batchNorm(spatial, `${name}.bn2`), `${name}.relu2`);
    const restored = net.conv(inner, `${name}.conv3`, { channels: channels * this.expansion, kernel: 1 });
    return net.batchNorm(restored, `${name}.bn3`, lastGamma);
  },
};

/** The paper's option B: a 1x1 convolution. */
export const projection: Shortcut = (net, input, { name, channels, stride }) =>
  net.batchNorm(
    net.conv(input, `${name}.downsample.0`, { channels, kernel: 1, stride }),
    `${name}.downsample.1`,
  );

/** The paper's option A, without parameters: every second row and column, and channels of zeros. */
export const paddedIdentity: Shortcut = (net, input, { name, channels, stride }) =>
  net.padChannels(net.subsample(input, `${name}.shortcut.slice`, stride), `${name}.shortcut.pad`, channels);

export interface StagesSpec {
  readonly branch: Branch;
  readonly shortcut: Shortcut;
  /** Blocks of each stage. */
  readonly blocks: readonly number[];
  /** Channels of the 3x3 convolutions in the first stage. */
  readonly width: number;
  /** Starts every block as the identity: the scale of its last BatchNorm is 0. */
  readonly zeroInitResidual: boolean;
}

/** Names the blocks "layer1.0", "layer1.1", ..., "layer2.0", ... @throws TRAINING_CONFIG_INVALID */
export function residualStages(net: NetworkBuilder, input: Feature, spec: StagesSpec): Feature {
  const { branch, shortcut, blocks, width, zeroInitResidual } = spec;
  let stream = input;
  for (const [stage, count] of blocks.entries()) {
    for (let block = 0; block < count; block++) {
      const name = `layer${stage + 1}.${block}`;
      const channels = width * 2 ** stage;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const lastGamma = zeroInitResidual ? 0 : 1;
      const output = branch.append(net, stream, { name, channels, stride, lastGamma });
      const outer = channels * branch.expansion;
      const isSameShape = stride === 1 && stream.dims[0] === outer;
      const skipped = isSameShape ? stream : shortcut(net, stream, { name, channels: outer, stride });
      stream = net.relu(net.add(output, skipped, name), `${name}.relu`);
    }
  }
  return stream;
}
