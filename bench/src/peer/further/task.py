"""What the peers share: images as Cupel prepared them, and a model with its BatchNormalizations folded."""
import os
import tempfile
from contextlib import contextmanager

import numpy as np
import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process


def images_of(described):
    """float32 [N, C, H, W], little endian, from {"path", "dims"}."""
    return np.fromfile(described["path"], dtype="<f4").reshape(described["dims"])


def labels_of(described):
    return np.asarray(described["labels"], dtype=np.int64)


def input_of(path):
    return onnx.load(path, load_external_data=False).graph.input[0].name


@contextmanager
def prepared(path):
    """Path of the model after the preparation that ONNX Runtime recommends, which folds BatchNormalization."""
    with tempfile.TemporaryDirectory() as folder:
        written = os.path.join(folder, "prepared.onnx")
        quant_pre_process(path, written)
        yield written
