"""From a network prepared for quantisation-aware training to ONNX in QDQ form with int8 weights.

PyTorch's exporter writes fake quantisation as QuantizeLinear and DequantizeLinear, for ranges of 8 bits only,
and leaves weights in float before theirs. So weights are rounded here to the range they were trained with, written
with that of 8 bits, which keeps them as they are, and stored as the integers they became.
"""
import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.ao.quantization import FakeQuantize
from torch.nn import functional


class RoundedLayer(nn.Module):
    def __init__(self, trained):
        super().__init__()
        fused = trained.to_float()
        # ConvReLU2d and its like are a Sequential of the layer and what follows.
        parts = list(fused) if isinstance(fused, nn.Sequential) else [fused]
        self.layer, self.after = parts[0], nn.Sequential(*parts[1:])
        rounding = trained.weight_fake_quant
        with torch.no_grad():
            self.layer.weight.copy_(rounding(self.layer.weight))
        self.register_buffer("scale", rounding.scale.detach().clone())
        self.register_buffer("zero_point", rounding.zero_point.detach().to(torch.int32))

    def forward(self, x):
        layer = self.layer
        weight = torch.fake_quantize_per_channel_affine(layer.weight, self.scale, self.zero_point, 0, -128, 127)
        if isinstance(layer, nn.Linear):
            return self.after(functional.linear(x, weight, layer.bias))
        return self.after(functional.conv2d(x, weight, layer.bias, layer.stride, layer.padding))


class RoundedValue(nn.Module):
    def __init__(self, trained):
        super().__init__()
        self.scale, self.zero_point = float(trained.scale), int(trained.zero_point)

    def forward(self, x):
        return torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero_point, 0, 255)


def export(network, example, path):
    network.eval()
    with torch.no_grad():
        expected = network(example).numpy()
    # One module may stand at several places, where both sides of a MaxPool share their rounding.
    for name, module in list(network.named_modules(remove_duplicate=False)):
        if hasattr(module, "weight_fake_quant"):
            replace(network, name, RoundedLayer(module))
        elif isinstance(module, FakeQuantize) and not name.endswith("weight_fake_quant"):
            replace(network, name, RoundedValue(module))
    with torch.no_grad():
        actual = network(example).numpy()
    # One step of the last rounding at most: the sums are the same, in another order.
    if np.abs(actual - expected).max() > 0.05 * np.abs(expected).max():
        raise ValueError("the network that is exported differs from the one that was trained")
    torch.onnx.export(
        network, (example,), path, opset_version=17, dynamo=False,
        input_names=["input"], output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
    )  # fmt: skip
    model = onnx.load(path)
    store_integers(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def replace(network, name, module):
    parent, _, last = name.rpartition(".")
    setattr(network.get_submodule(parent), last, module)


def constants_of(graph):
    found = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def store_integers(graph):
    """Replaces each QuantizeLinear of a constant by what it computes."""
    constants = constants_of(graph)
    done = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in constants]
    for node in done:
        weight, scale, zero_point = (constants[name] for name in node.input)
        column = [-1] + [1] * (weight.ndim - 1)
        integers = np.rint(weight / scale.reshape(column)) + zero_point.reshape(column)
        limits = np.iinfo(zero_point.dtype)
        stored = np.clip(integers, limits.min, limits.max).astype(zero_point.dtype)
        graph.initializer.append(numpy_helper.from_array(stored, node.output[0]))
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    for each in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(each)
