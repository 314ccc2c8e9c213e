"""The peer: ONNX Runtime's own static quantiser, as its documentation tells to use it.

usage: quantise_static.py MODEL IMAGES SHAPE METHOD PREPARE OUTPUT [reduce-range]
  IMAGES  float32, little endian, ready to be fed; converted where the model takes another type
  SHAPE     of all of them together, such as 256x3x224x224
  METHOD    MinMax, Percentile or Entropy
  PREPARE   yes: quant_pre_process first, the recommended step that folds BatchNorms; no: without
  reduce-range  weights of 7 bits, for processors without 8-bit dot products, where sums of 8 bits overflow
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
    def __init__(self, name, values, rank):
        # A model of one image at a time may have no batch dimension.
        bare = rank == values.ndim - 1
        self.feeds = iter([{name: values[i] if bare else values[i : i + 1]} for i in range(len(values))])

    def get_next(self):
        return next(self.feeds, None)


model, images, shape, method, prepare, output, *more = sys.argv[1:]
image = onnx.load(model).graph.input[0]
name = image.name
kind = onnx.helper.tensor_dtype_to_np_dtype(image.type.tensor_type.elem_type)
values = np.fromfile(images, dtype="<f4").reshape([int(size) for size in shape.split("x")]).astype(kind)
with tempfile.TemporaryDirectory() as folder:
    prepared = model
    if prepare == "yes":
        prepared = os.path.join(folder, "prepared.onnx")
        # With its defaults, which need sympy: told to skip symbolic shapes, 1.30 writes the model as it was.
        try:
            quant_pre_process(model, prepared)
        except Exception as thrown:
            # Its symbolic shapes fail on some models; then the rest is what there is.
            print(f"without symbolic shapes: {thrown!r}", file=sys.stderr)
            quant_pre_process(model, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        output,
        Images(name, values, len(image.type.tensor_type.shape.dim)),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        reduce_range="reduce-range" in more,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[method],
    )
