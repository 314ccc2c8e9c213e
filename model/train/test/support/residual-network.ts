/** The network of the fixtures: small, with each kind of layer a residual network has. */
import type { Model } from "@cupel/onnx";
import { constant } from "../../src/network/initialiser.ts";
import { NetworkBuilder } from "../../src/network/network-builder.ts";
import { basicBranch, projection, residualStages } from "../../src/network/residual-stages.ts";
import { setFormulaParameters } from "./formula-tensor.ts";

/** [N, 3, 16, 16] to 5 classes: a stem with pooling, a block of each kind of shortcut. Parameters by formula. */
export function residualNetwork(): Model {
  const net = new NetworkBuilder([3, 16, 16], 1);
  const reduced = net.conv(net.input, "conv1", { channels: 4, kernel: 7, stride: 2 });
  const stem = net.maxPool(net.relu(net.batchNorm(reduced, "bn1"), "relu"), "maxpool", 3, 2);
  const blocks = residualStages(net, stem, {
    branch: basicBranch,
    shortcut: projection,
    blocks: [1, 1],
    width: 4,
    zeroInitResidual: false,
  });
  const initialisers = { weight: constant(0), bias: constant(0) };
  const model = net.build(net.linear(net.averagePool(blocks), "fc", 5, initialisers));
  setFormulaParameters(model);
  return model;
}
