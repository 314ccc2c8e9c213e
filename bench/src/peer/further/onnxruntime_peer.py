"""ONNX Runtime's static quantiser: QDQ, per channel. Options: method (MinMax, Entropy, Percentile), images."""
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader

from task import images_of, input_of, prepared


class Images(CalibrationDataReader):
    def __init__(self, name, values):
        self.feeds = iter([{name: values[i : i + 1]} for i in range(len(values))])

    def get_next(self):
        return next(self.feeds, None)


def quantise(task):
    options = task["options"]
    # All methods but MinMax keep the activations of all images in memory.
    values = images_of(task["calibration"])[: options["images"]]
    with prepared(task["model"]) as model:
        quantize_static(
            model,
            task["output"],
            Images(input_of(model), values),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=task["reduceRange"],
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod[options["method"]],
        )
