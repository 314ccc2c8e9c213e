"""What an engine makes of each form of an operator between DequantizeLinear and QuantizeLinear: the check of the table
model/compress/src/emit/kernel-forms.ts against another version of ONNX Runtime. Development machine only.

    pip install onnx onnxruntime numpy && python tools/engine-forms/check-forms.py

One line a form: the operators of the optimised graph, and the largest difference from the same graph unoptimised. A
form is on integers where no DequantizeLinear stands before the operator and no QuantizeLinear behind it; a
difference above one level (0.02, 0.004 for Softmax) says that the 8-bit kernel is wrong there. Of 1.30 and 1.32 all
lines are equal but one: Softmax with a scale far below 1/256 is wrong in 1.30.
"""

import os
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

SHAPE = (1, 8, 16, 16)
LEVEL = 0.02


class Body:
    """Nodes between two conversions."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, outputs, **attributes))
        return outputs


def one(op, *constants, **attributes):
    """A single node; None stands for an input left out."""

    def write(body, x):
        names = [x] + ["" if c is None else body.constant(f"c{i}", c) for i, c in enumerate(constants)]
        return body.node(op, names, ["o"], **attributes)

    return write


def split(body, x):
    return body.node("Split", [x, body.constant("sizes", ints(4, 4))], ["o1", "o2"], axis=1)


def silu(body, x):
    body.node("Sigmoid", [x], ["gate"])
    body.constant("ss", np.float32(1 / 256)), body.constant("sz", np.uint8(0))
    body.node("QuantizeLinear", ["gate", "ss", "sz"], ["gate.q"])
    body.node("DequantizeLinear", ["gate.q", "ss", "sz"], ["gate.dq"])
    return body.node("Mul", [x, "gate.dq"], ["o"])


def gelu(body, x):
    body.node("Div", [x, body.constant("root", np.float32(2**0.5))], ["p1"])
    body.node("Erf", ["p1"], ["p2"])
    body.node("Add", ["p2", body.constant("one", np.float32(1))], ["p3"])
    body.node("Mul", [x, "p3"], ["p4"])
    return body.node("Mul", ["p4", body.constant("half", np.float32(0.5))], ["o"])


def ints(*values):
    return np.array(values, np.int64)


def window(op, opset=17, kernel=2, **attributes):
    return one(op, kernel_shape=[kernel, kernel], strides=[2, 2], **attributes), opset


def resize(mode, where="asymmetric"):
    scales = np.array([1, 1, 2, 2], np.float32)
    more = {"nearest_mode": "floor"} if mode == "nearest" else {}
    return one("Resize", None, scales, mode=mode, coordinate_transformation_mode=where, **more), 17


ALL = ints(0, 0, 1, 1, 0, 0, 1, 1)

# name: nodes, operator set, output scale (None: that of the input)
FORMS = {
    "AveragePool": window("AveragePool"),
    "AveragePool ceil_mode": window("AveragePool", kernel=3, ceil_mode=1),
    "AveragePool auto_pad": window("AveragePool", kernel=3, auto_pad="SAME_UPPER"),
    "AveragePool padding counted": window("AveragePool", kernel=3, pads=[1] * 4, count_include_pad=1),
    "AveragePool of set 19": window("AveragePool", 19),
    "AveragePool dilations 1": window("AveragePool", 19, dilations=[1, 1]),
    "AveragePool dilations 2": window("AveragePool", 19, dilations=[2, 2]),
    "GlobalAveragePool": (one("GlobalAveragePool"), 17),
    "MaxPool": window("MaxPool"),
    "MaxPool dilations": window("MaxPool", dilations=[2, 2]),
    "MaxPool ceil_mode": window("MaxPool", kernel=3, ceil_mode=1),
    "Pad": (one("Pad", ALL), 17),
    "Pad axes": (one("Pad", ints(1, 1, 1, 1), None, ints(2, 3)), 18),
    "Pad reflect": (one("Pad", ALL, mode="reflect"), 17),
    "Pad edge": (one("Pad", ALL, mode="edge"), 17),
    "Softmax last axis, 1/256": (one("Softmax", axis=-1), 17, 1 / 256),
    "Softmax channels, 1/256": (one("Softmax", axis=1), 17, 1 / 256),
    "Softmax, 0.0003": (one("Softmax", axis=1), 17, 0.0003),
    "Split": (split, 13),
    "HardSwish": (one("HardSwish"), 17),
    "HardSigmoid": (one("HardSigmoid", alpha=1 / 6, beta=0.5), 17),
    "SiLU": (silu, 17),
    "Gelu with Erf": (gelu, 17),
    "Resize nearest": resize("nearest"),
    "Resize linear": resize("linear"),
    "Resize linear, half_pixel": resize("linear", "half_pixel"),
    "Resize cubic": resize("cubic"),
    "ReduceMean of set 13": (one("ReduceMean", axes=[2, 3], keepdims=1), 13),
    "ReduceMean of set 18": (one("ReduceMean", ints(2, 3)), 18),
    "Transpose": (one("Transpose", perm=[0, 2, 3, 1]), 17),
    "Slice": (one("Slice", ints(0), ints(2), ints(1)), 17),
    "Gather": (one("Gather", ints(0, 2), axis=1), 17),
    "Squeeze": (one("Squeeze", ints(0)), 17),
    "DepthToSpace": (one("DepthToSpace", blocksize=2), 17),
    "SpaceToDepth": (one("SpaceToDepth", blocksize=2), 17),
    "Sigmoid": (one("Sigmoid"), 17),
    "LeakyRelu": (one("LeakyRelu"), 17),
    "Tanh": (one("Tanh"), 17),
    "Elu": (one("Elu"), 17),
    "Mul by a constant": (one("Mul", np.float32(0.5)), 17),
}


def model_of(write, opset, scale=None):
    body = Body()
    body.constant("s", np.float32(LEVEL)), body.constant("z", np.uint8(128))
    body.constant("so", np.float32(scale or LEVEL)), body.constant("zo", np.uint8(0 if scale else 128))
    body.node("QuantizeLinear", ["x", "s", "z"], ["xq"])
    body.node("DequantizeLinear", ["xq", "s", "z"], ["xd"])
    results = []
    for i, out in enumerate(write(body, "xd")):
        body.node("QuantizeLinear", [out, "so", "zo"], [f"q{i}"])
        body.node("DequantizeLinear", [f"q{i}", "so", "zo"], [f"y{i}"])
        results.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, None))
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    graph = helper.make_graph(body.nodes, "form", [image], results, body.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def run(model, x, level, path=""):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = level
    options.optimized_model_filepath = path
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def main():
    print(f"ONNX Runtime {ort.__version__}")
    x = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "optimised.onnx")
        for name, form in FORMS.items():
            model = model_of(*form)
            try:
                fast = run(model, x, ort.GraphOptimizationLevel.ORT_ENABLE_ALL, path)
                plain = run(model, x, ort.GraphOptimizationLevel.ORT_DISABLE_ALL)
                operators = " ".join(node.op_type for node in onnx.load(path).graph.node)
                print(f"{name:28} {operators}  {np.abs(fast - plain).max():.4f}")
            except Exception as error:  # The finding itself: the engine refuses this form.
                print(f"{name:28} fails: {str(error)[:120]}")


main()
