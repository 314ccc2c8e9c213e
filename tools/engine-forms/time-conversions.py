"""When an 8-bit Conv between two operators that run in float pays: the measurement behind `productsPerConversion` of
model/compress/src/emit/conversion-cost.ts. Development machine only; one thread, CPU time, both in turn.

    pip install onnx onnxruntime numpy && python tools/engine-forms/time-conversions.py
"""

import time

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

# inputs, outputs, kernel, groups, height and width
CONVOLUTIONS = [
    (32, 32, 3, 32, 64), (64, 64, 3, 64, 28), (32, 32, 7, 32, 64), (3, 16, 3, 1, 112), (8, 8, 1, 1, 64),
    (16, 16, 1, 1, 64), (32, 32, 1, 1, 64), (32, 32, 1, 1, 128), (64, 64, 1, 1, 28), (96, 24, 1, 1, 28),
    (24, 96, 1, 1, 28), (128, 128, 1, 1, 28), (16, 16, 3, 1, 64), (32, 32, 3, 1, 56),
]  # fmt: skip


def session(inputs, outputs, kernel, groups, size, rounded):
    nodes, constants = [], []

    def constant(name, value):
        constants.append(numpy_helper.from_array(np.asarray(value), name))

    def node(op, given, made, **attributes):
        nodes.append(helper.make_node(op, given, [made], **attributes))

    weight = np.random.default_rng(0).normal(size=(outputs, inputs // groups, kernel, kernel)).astype(np.float32) * 0.05
    window = {"pads": [kernel // 2] * 4, "group": groups}
    node("HardSwish", ["x"], "a")
    if rounded:
        constant("s", np.float32(0.03)), constant("z", np.uint8(10))
        constant("wq", np.clip(np.round(weight / 0.002), -127, 127).astype(np.int8))
        constant("ws", np.full(outputs, 0.002, np.float32))
        node("QuantizeLinear", ["a", "s", "z"], "aq")
        node("DequantizeLinear", ["aq", "s", "z"], "ad")
        node("DequantizeLinear", ["wq", "ws"], "wd", axis=0)
        node("Conv", ["ad", "wd"], "c", **window)
        node("QuantizeLinear", ["c", "s", "z"], "cq")
        node("DequantizeLinear", ["cq", "s", "z"], "b")
    else:
        constant("w", weight)
        node("Conv", ["a", "w"], "b", **window)
    node("HardSwish", ["b"], "y")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, inputs, size, size))
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "conv", [image], [result], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main():
    print(f"ONNX Runtime {ort.__version__}; float's time over 8 bits'")
    for case in CONVOLUTIONS:
        inputs, outputs, kernel, groups, size = case
        pair = [session(*case, rounded) for rounded in (False, True)]
        x = np.random.default_rng(1).normal(size=(1, inputs, size, size)).astype(np.float32)
        ratios = []
        for _ in range(24):
            spent = []
            for each in pair:
                start = time.process_time_ns()
                for _ in range(3):
                    each.run(None, {"x": x})
                spent.append(time.process_time_ns() - start)
            ratios.append(spent[0] / spent[1])
        products = outputs * (inputs // groups) * kernel**2 / (inputs + outputs)
        print(f"{case!s:26} {products:6.1f} products an element converted: {np.median(ratios):.2f}")


main()
