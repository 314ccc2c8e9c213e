"""The residual networks of the test data as PyTorch modules, with the weights of their ONNX files.

Their initialisers have the names that PyTorch's own state dictionaries use, so that loading is strict: a
weight without a place, or a place without a weight, is an error. `loaded` also compares the outputs.
"""
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional


class Bottleneck(nn.Module):
    growth = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = width * self.growth
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu1, self.relu2, self.relu3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        path = self.relu1(self.bn1(self.conv1(x)))
        path = self.relu2(self.bn2(self.conv2(path)))
        path = self.bn3(self.conv3(path))
        return self.relu3(path + (x if self.downsample is None else self.downsample(x)))


class Basic(nn.Module):
    """Its shortcut has no weights: every second pixel, and channels of zeros around."""

    growth = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.stride, self.added = stride, width - inputs

    def forward(self, x):
        path = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.added > 0:
            half = self.added // 2
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.added - half))
        return self.relu2(path + x)


class ResNet(nn.Module):
    def __init__(self, block, counts, width, channels, classes, head):
        super().__init__()
        is_small = block is Basic
        size, stride = (3, 1) if is_small else (7, 2)
        self.conv1 = nn.Conv2d(channels, width, size, stride, size // 2, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(width), nn.ReLU()
        self.maxpool = None if is_small else nn.MaxPool2d(3, 2, 1)
        self.stages = [f"layer{i + 1}" for i in range(len(counts))]
        inputs = width
        for stage, count in enumerate(counts):
            blocks = []
            for i in range(count):
                blocks.append(block(inputs, width * 2**stage, 2 if stage > 0 and i == 0 else 1))
                inputs = width * 2**stage * block.growth
            setattr(self, self.stages[stage], nn.Sequential(*blocks))
        self.head = head
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        setattr(self, head, nn.Linear(inputs, classes))

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = x if self.maxpool is None else self.maxpool(x)
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return getattr(self, self.head)(torch.flatten(self.avgpool(x), 1))


networks = {
    "resnet50_w32_pcb": lambda: ResNet(Bottleneck, [3, 4, 6, 3], 32, channels=1, classes=7, head="fc"),
    "resnet20_cifar10": lambda: ResNet(Basic, [3, 3, 3], 16, channels=3, classes=10, head="linear"),
}


def loaded(name, path, images):
    """The network of that name with the weights of the file. Throws where its outputs are not the file's."""
    network = networks[name]()
    stored = onnx.load(path).graph.initializer
    weights = {each.name: torch.from_numpy(numpy_helper.to_array(each).copy()) for each in stored}
    wanted = network.state_dict()
    held = {key: weights[key] if key in weights else wanted[key] for key in wanted}
    missing = [key for key in wanted if key not in weights and not key.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(f"{path} has no weights {missing}")
    network.load_state_dict(held)
    network.eval()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: images})[0]
    with torch.no_grad():
        actual = network(torch.from_numpy(images)).numpy()
    worst = float(np.abs(actual - expected).max())
    if worst > 1e-3 * float(np.abs(expected).max()):
        raise ValueError(f"the PyTorch module's outputs differ by {worst} from those of {path}")
    return network
