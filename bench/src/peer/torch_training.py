"""Training steps of a residual network in PyTorch, on request.

Arguments: JSON with depth (18 or 50), width, channels, classes, size, batch, cifar, threads, compiled.
Says {"parameters": n} when ready; then, for each line with a count, runs that many steps and says
{"ms": [...], "loss": x}. SGD with momentum, random images, as the bench of Cupel does.
"""

import json
import sys
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = width * (4 if bottleneck else 1)
        sizes = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        if not bottleneck:
            sizes = [(inputs, width, 3, stride), (width, width, 3, 1)]
        layers = []
        for source, target, kernel, step in sizes:
            layers += [nn.Conv2d(source, target, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(target)]
            layers += [nn.ReLU(inplace=True)]
        self.path = nn.Sequential(*layers[:-1])
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


def network(depth, width, channels, classes, cifar):
    stem = nn.Conv2d(channels, width, 3, 1, 1, bias=False) if cifar else nn.Conv2d(channels, width, 7, 2, 3, bias=False)
    layers = [stem, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    if not cifar:
        layers.append(nn.MaxPool2d(3, 2, 1))
    bottleneck = depth == 50
    inputs = width
    for stage, blocks in enumerate([3, 4, 6, 3] if bottleneck else [2, 2, 2, 2]):
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Block(inputs, width * 2**stage, stride, bottleneck))
            inputs = width * 2**stage * (4 if bottleneck else 1)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def main():
    task = json.loads(sys.argv[1])
    torch.set_num_threads(task["threads"])
    torch.manual_seed(1)
    model = network(task["depth"], task["width"], task["channels"], task["classes"], task["cifar"])
    forward = torch.compile(model) if task["compiled"] else model
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images = torch.randn(task["batch"], task["channels"], task["size"], task["size"])
    labels = torch.arange(task["batch"]) % task["classes"]
    loss_of = nn.CrossEntropyLoss()

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = loss_of(forward(images), labels)
        loss.backward()
        optimiser.step()
        return loss.item()

    step()
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    for line in sys.stdin:
        times = []
        loss = None
        for _ in range(int(line)):
            started = time.perf_counter()
            loss = step()
            times.append((time.perf_counter() - started) * 1000)
        print(json.dumps({"ms": times, "loss": loss}), flush=True)


main()
