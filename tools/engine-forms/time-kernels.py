"""What the engine's 8-bit kernels cost beside the float ones, by themselves: the measurement behind
model/compress/src/emit/kernel-cost.ts. Development machine only; one thread, processor time, the least of many runs. A
kernel's time is the difference of two chains of it, so that what stands at the ends does not count.

    pip install onnx onnxruntime numpy && python tools/engine-forms/time-kernels.py
"""

import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

# channels, height and width
DENSE = [(8, 64), (12, 56), (16, 56), (24, 28), (32, 28), (64, 28), (96, 14), (128, 14), (256, 7)]
DEPTHWISE = [(8, 64), (12, 56), (16, 56), (32, 56), (64, 28), (96, 28), (192, 14), (256, 7)]
# channels in all, height and width, channels in a group
GROUPED = [(channels, size, group) for channels, size in ((64, 28), (128, 14), (256, 14)) for group in (4, 8, 16, 32)]
POINTWISE = ["Add", "Mul", "Sigmoid", "LeakyRelu", "Softmax", "AveragePool"]
ATTRIBUTES = {"LeakyRelu": {"alpha": 0.1}, "AveragePool": {"kernel_shape": [3, 3], "pads": [1] * 4}}
SHORT, LONG = 2, 6


def session(kind, channels, size, kernel, length, rounded):
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(op, given, **attributes):
        made = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, given, [made], **attributes))
        return made

    def rounding(value):
        scale = ["scale", "zero"]
        return node("DequantizeLinear", [node("QuantizeLinear", [value, *scale]), *scale]) if rounded else value

    def conv(value, name, groups, width):
        shape = (channels, channels // groups, width, width)
        weight = np.random.default_rng(0).normal(size=shape).astype(np.float32) * 0.05
        if rounded:
            constant(f"{name}.q", np.clip(np.round(weight / 0.002), -63, 63).astype(np.int8))
            constant(f"{name}.s", np.full(channels, 0.002, np.float32))
            made = node("DequantizeLinear", [f"{name}.q", f"{name}.s"], axis=0)
        else:
            made = constant(name, weight)
        return rounding(node("Relu", [node("Conv", [value, made], pads=[width // 2] * 4, group=groups)]))

    constant("scale", np.float32(0.03)), constant("zero", np.uint8(0))
    # Behind a Conv a tensor has the layout that kernels have in a network.
    first = value = conv(rounding(node("Identity", ["x"])), "first", 1, 1)
    for index in range(length):
        if kind in ("Conv", "depthwise") or kind.startswith("groups of "):
            groups = {"Conv": 1, "depthwise": channels}.get(kind) or channels // int(kind.removeprefix("groups of "))
            value = conv(value, f"w{index}", groups, kernel)
        else:
            given = [value, first] if kind in ("Add", "Mul") else [value]
            value = rounding(node(kind, given, **ATTRIBUTES.get(kind, {})))
    result = node("GlobalAveragePool", [value])
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, channels, size, size))
    end = helper.make_tensor_value_info(rounding(result), TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "chain", [image], [end], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def least(*case):
    x = np.random.default_rng(1).normal(size=(1, case[1], case[2], case[2])).astype(np.float32)
    chain, spent = session(*case), []
    for _ in range(40):
        start = time.process_time_ns()
        for _ in range(3):
            chain.run(None, {"x": x})
        spent.append((time.process_time_ns() - start) / 3)
    return min(spent)


def main():
    print(f"ONNX Runtime {ort.__version__}; nanoseconds a pixel of the output")
    cases = [("Conv", *each, kernel) for kernel in (1, 3) for each in DENSE]
    cases += [(f"groups of {group}", channels, size, k) for k in (1, 3) for channels, size, group in GROUPED]
    cases += [("depthwise", *each, 3) for each in DEPTHWISE] + [(kind, 32, 28, 0) for kind in POINTWISE]
    for kind, channels, size, kernel in cases:
        form = (kind, channels, size, kernel)
        times = [(least(*form, LONG, r) - least(*form, SHORT, r)) / (LONG - SHORT) / size**2 for r in (False, True)]
        speed = times[0] / times[1]
        print(f"{kind:12} {channels:4} channels {kernel or 3} x {kernel or 3}: float {times[0]:8.1f}, 8 bits {times[1]:8.1f}, speed {speed:.2f}")


main()
