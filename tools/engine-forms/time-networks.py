"""What the engine's convolutions cost in float and on integers inside a network: the measurement that
model/compress/src/emit/kernel-cost.ts is fitted to. Development machine only; one thread, the least of many runs, the
two files in turn, since the machine's speed changes. Each INT8 file is made with {"kernels": "wherever-possible"}, so
that its convolutions are those of the float file, in the same order.

    pip install onnxruntime numpy && python tools/engine-forms/time-networks.py FLOAT.onnx INT8.onnx [FLOAT.onnx INT8.onnx ...]
"""

import json
import os
import sys
import tempfile

import numpy as np
import onnxruntime as ort

TURNS, RUNS = 5, 20
FLOAT, INTEGER = ("Conv", "FusedConv"), ("QLinearConv",)


def profiled(path, operators):
    """(shape of the input, shape of the output, shape of the weight or None, microseconds) of each node, in order."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    options.profile_file_prefix = os.path.join(tempfile.gettempdir(), "time-networks")
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in image.shape]
    x = np.random.default_rng(1).random(shape).astype(np.float32)
    for _ in range(RUNS):
        session.run(None, {image.name: x})
    profile = session.end_profiling()
    with open(profile) as file:
        events = json.load(file)
    os.remove(profile)
    nodes = {}
    for event in events:
        if event.get("cat") != "Node" or not event["name"].endswith("_kernel_time"):
            continue
        if event["args"]["op_name"] not in operators:
            continue
        shapes = [next(iter(each.values())) for each in event["args"]["input_type_shape"]]
        weight = next((each for each in shapes[1:] if len(each) == 4), None)
        made = next(iter(event["args"]["output_type_shape"][0].values()))
        known = nodes.setdefault(event["name"], [shapes[0], made, weight, event["dur"]])
        known[3] = min(known[3], event["dur"])
    return list(nodes.values())


def least(turns):
    return [[*nodes[0][:3], min(node[3] for node in nodes)] for nodes in zip(*turns)]


def main():
    for path, rounded in zip(sys.argv[1::2], sys.argv[2::2]):
        turns = [(profiled(path, FLOAT), profiled(rounded, INTEGER)) for _ in range(TURNS)]
        first, second = (least([turn[form] for turn in turns]) for form in (0, 1))
        print(f"{os.path.basename(path)}: {len(first)} convolutions in float, {len(second)} on integers")
        if len(first) != len(second):
            continue
        for (_, _, weight, in_float), (given, made, _, on_integers) in zip(first, second):
            print(f"  {given} -> {made}, weight {weight}: float {in_float} us, integers {on_integers} us")


if len(sys.argv) < 3:
    sys.exit(__doc__)
main()
