"""NNCF, post-training, on ONNX: as it comes, and with accuracy control. Options: maxDrop, a fraction of top-1."""
import nncf
import onnx
import onnxruntime
from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters, OverflowFix

from task import images_of, input_of, labels_of, prepared


def feeds_of(name, values):
    return nncf.Dataset([values[i : i + 1] for i in range(len(values))], lambda image: {name: image})


def settings(task, advanced):
    overflow = OverflowFix.ENABLE if task["reduceRange"] else OverflowFix.DISABLE
    return {
        "preset": nncf.QuantizationPreset.MIXED,
        "subset_size": len(images_of(task["calibration"])),
        # NNCF's default. The other one defines a tensor twice in a ResNet-50, which the engine then refuses.
        "fast_bias_correction": True,
        advanced: AdvancedQuantizationParameters(overflow_fix=overflow),
    }


def quantise(task):
    with prepared(task["model"]) as path:
        model = onnx.load(path)
        calibration = feeds_of(input_of(path), images_of(task["calibration"]))
        onnx.save(nncf.quantize(model, calibration, **settings(task, "advanced_parameters")), task["output"])


def top1(values, labels, name):
    """A validation function over numbers of images: the share classified rightly, and which were."""

    def validate(model, numbers):
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        right = [float(session.run(None, {name: values[i : i + 1]})[0].argmax() == labels[i]) for i in numbers]
        return sum(right) / len(right), right

    return validate


def quantise_with_accuracy_control(task):
    with prepared(task["model"]) as path:
        name = input_of(path)
        values, labels = images_of(task["selection"]), labels_of(task["selection"])
        quantised = nncf.quantize_with_accuracy_control(
            onnx.load(path),
            feeds_of(name, images_of(task["calibration"])),
            nncf.Dataset(list(range(len(values))), lambda i: {name: values[i : i + 1]}),
            top1(values, labels, name),
            max_drop=task["options"]["maxDrop"],
            **settings(task, "advanced_quantization_parameters"),
        )
        onnx.save(quantised, task["output"])
