"""Writes networks and what PyTorch makes of them: `python tools/trajectories/export.py FOLDER [--only NAME]`.

Each network is made fresh from torchvision, exported in the four ways below, and trained for ten steps by PyTorch in double
precision. Dropout and stochastic depth are off. BatchNormalization uses running statistics, on both sides: with those of small batches,
the gradients of a fresh MobileNetV2 are so steep that PyTorch in float32 is itself off by 1e-2 from the third step on. The statistics
are settled by a few forward passes before, without which activations would vanish from layer to layer. The exporters' defaults fold
BatchNormalization into Conv: those files are held to a PyTorch network that is fused in the same way. FOLDER/pytorch.json has
parameters and losses; `compare.ts` reads it. A file that is there already is not made again.

Needs, beside Python 3.10: torch, torchvision, onnx, onnxscript.
"""
import argparse
import copy
import json
import os
import warnings

import numpy as np
import torch
import torchvision.models as zoo
from torch.fx.experimental.optimization import fuse
from torchvision.models.vision_transformer import VisionTransformer
from torchvision.ops import StochasticDepth

CLASSES, SIZE, BATCH, STEPS = 10, 64, 4, 10
MOMENTUM = 0.9
# ResNet-18 diverges with 0.01; with 0.001 its fused form amplifies rounding tenfold a step.
RATES = {"resnet18": 0.0002}
OTHER_RATE = 0.01

NETWORKS = {
    "resnet18": lambda: zoo.resnet18(num_classes=CLASSES),
    "mobilenet_v2": lambda: zoo.mobilenet_v2(num_classes=CLASSES),
    "efficientnet_b0": lambda: zoo.efficientnet_b0(num_classes=CLASSES),
    "convnext_tiny": lambda: zoo.convnext_tiny(num_classes=CLASSES),
    "vit": lambda: VisionTransformer(SIZE, 16, num_layers=2, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=CLASSES),
}

# Whether BatchNormalization is folded, and the export.
EXPORTS = {
    "torchscript": (False, lambda *given: torchscript(*given, do_constant_folding=False)),
    "torchscript-default": (True, lambda *given: torchscript(*given)),
    "dynamo": (False, lambda *given: dynamo(*given, optimize=False)),
    "dynamo-default": (True, lambda *given: dynamo(*given)),
}


def torchscript(model, path, **options):
    model.eval()
    training = torch.onnx.TrainingMode.PRESERVE if options else torch.onnx.TrainingMode.EVAL
    names = {"input_names": ["input"], "output_names": ["logits"], "dynamic_axes": {"input": {0: "N"}}}
    torch.onnx.export(model, (torch.randn(2, 3, SIZE, SIZE),), path, dynamo=False, training=training, **names, **options)


def dynamo(model, path, **options):
    model.eval()
    names = {"input_names": ["input"], "output_names": ["logits"], "dynamic_shapes": ({0: torch.export.Dim("N")},)}
    image = torch.randn(2, 3, SIZE, SIZE)
    torch.onnx.export(model, (image,), path, dynamo=True, external_data=False, **names, **options)


def quiet(model):
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, StochasticDepth)):
            module.p = 0.0
        if isinstance(module, torch.nn.MultiheadAttention):
            module.dropout = 0.0
    return model


def images(step):
    """The same numbers in compare.ts: stripes whose direction, width, contrast and colour differ from image to image."""
    item, colour, y, x = np.ogrid[0:BATCH, 0:3, 0:SIZE, 0:SIZE]
    stripes = (x * ((item * 3 + step) % 7) + y * ((item * 5 + 2 * step) % 6)) % 32 / 16 - 1
    values = stripes * (1 + (item + step) % 4) / 4 + (item * 7 + colour * 3 + step) % 9 / 4 - 1
    return torch.from_numpy(values.astype(np.float32)).double()


def settled(model):
    with torch.no_grad():
        for step in range(100, 130):
            model.train()(images(step).float())
    return model.eval()


def losses(model, learning_rate):
    model = copy.deepcopy(model).double().eval()
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=MOMENTUM)
    found = []
    for step in range(STEPS):
        labels = (torch.arange(BATCH) * (step + 1)) % CLASSES
        loss = torch.nn.functional.cross_entropy(model(images(step)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(loss.item())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--only", choices=NETWORKS)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    os.makedirs(given.folder, exist_ok=True)
    path = os.path.join(given.folder, "pytorch.json")
    made = {}
    if os.path.exists(path):
        with open(path) as file:
            made = json.load(file)["networks"]
    about = {"torch": torch.__version__, "momentum": MOMENTUM, "batch": BATCH, "size": SIZE}
    kinds = {kind: "folded" if folded else "kept" for kind, (folded, _) in EXPORTS.items()}
    for name in [given.only] if given.only else NETWORKS:
        torch.manual_seed(0)
        model = settled(quiet(NETWORKS[name]()))
        # The fuser gives convolutions biases that need no gradient.
        fused = fuse(model.eval()).requires_grad_() if "BatchNorm2d" in {type(each).__name__ for each in model.modules()} else model
        rate = RATES.get(name, OTHER_RATE)
        rows = {"learningRate": rate}
        for which, network in (("kept", model), ("folded", fused)):
            if which == "folded" and fused is model:
                rows[which] = rows["kept"]
                continue
            parameters = {key: list(value.shape) for key, value in network.named_parameters()}
            rows[which] = {"parameters": parameters, "losses": losses(network, rate)}
        made[name] = rows
        for kind, (_, export) in EXPORTS.items():
            file = os.path.join(given.folder, f"{name}.{kind}.onnx")
            if not os.path.exists(file):
                export(copy.deepcopy(model), file)
        with open(path, "w") as file:
            json.dump({"about": about, "exports": kinds, "networks": made}, file)
        print(name, *(f"{loss:.6f}" for loss in rows["kept"]["losses"]), flush=True)


main()
