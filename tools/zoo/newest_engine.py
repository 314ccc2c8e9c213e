"""Runs a model in the newest engine: newest_engine.py MODEL IMAGES SHAPE OUTPUTS

IMAGES is float32, little endian, SHAPE that of all together, such as 12x3x128x128. OUTPUTS gets, image by image and
output by output, how many numbers there are (float32) and the numbers (float32). Says the engine's version.
"""
import sys

import numpy as np
import onnxruntime

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}

model, images, shape, path = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 3
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
put = session.get_inputs()[0]
values = np.fromfile(images, dtype="<f4").reshape([int(size) for size in shape.split("x")]).astype(TYPES[put.type])
# A model of one image at a time may have no batch dimension.
bare = len(put.shape) == values.ndim - 1
with open(path, "wb") as file:
    for i in range(len(values)):
        for output in session.run(None, {put.name: values[i] if bare else values[i : i + 1]}):
            np.float32(output.size).tofile(file)
            output.astype("<f4").tofile(file)
print(onnxruntime.__version__)
