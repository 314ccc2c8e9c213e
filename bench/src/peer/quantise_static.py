"""The peer: ONNX Runtime's own static quantiser, as its documentation tells to use it.

usage: quantise_static.py MODEL IMAGES SHAPE METHOD PREPARE OUTPUT
  IMAGES  float32, little endian, ready to be fed
  SHAPE     of all of them together, such as 256x3x224x224
  METHOD    MinMax, Percentile or Entropy
  PREPARE   yes: quant_pre_process first, the recommended step that folds BatchNorms; no: without
"""
import os
import sys
import tempfile

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader
from onnxruntime.quantization.shape_inference import quant_pre_process


class Images(CalibrationDataReader):
    def __init__(self, name, values):
        self.feeds = iter([{name: values[i : i + 1]} for i in range(len(values))])

    def get_next(self):
        return next(self.feeds, None)


model, images, shape, method, prepare, output = sys.argv[1:]
values = np.fromfile(images, dtype="<f4").reshape([int(size) for size in shape.split("x")])
name = onnx.load(model).graph.input[0].name
with tempfile.TemporaryDirectory() as folder:
    prepared = model
    if prepare == "yes":
        prepared = os.path.join(folder, "prepared.onnx")
        # With its defaults, which need sympy: told to skip symbolic shapes, 1.30 writes the model as it was.
        quant_pre_process(model, prepared)
    quantize_static(
        prepared,
        output,
        Images(name, values),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[method],
    )
