"""torch-pruning, then fine-tuning by distillation, then PyTorch's quantisation-aware training, to ONNX.

Options: network (of networks.py), keep: the share of channels kept, 1 for quantisation-aware training alone.
`epochs` are halved: the first half, rounded up, is for the pruned network in float, the rest, at least one, for
training with fake quantisation. Without pruning all are for the latter. The original teaches, and nothing else.
"""
import copy

import torch
import torch_pruning
from torch import nn
from torch.ao.nn.intrinsic.qat import freeze_bn_stats
from torch.ao.quantization import (
    FakeQuantize,
    MovingAverageMinMaxObserver,
    MovingAveragePerChannelMinMaxObserver,
    QConfig,
    QConfigMapping,
    disable_observer,
)
from torch.ao.quantization.quantize_fx import prepare_qat_fx
from torch.nn import functional

from export_qdq import export
from networks import loaded
from task import images_of

batch_size = 64
pruning_rate = 0.01
# As torchvision's own script for quantisation-aware training has it.
quantising_rate = 0.0001


def prune_and_train(task):
    torch.set_num_threads(task["threads"])
    torch.manual_seed(task["seed"])
    options, epochs = task["options"], task["epochs"]
    images = torch.from_numpy(images_of(task["training"]))
    teacher = loaded(options["network"], task["model"], images[:8].numpy())
    network = copy.deepcopy(teacher)
    if options["keep"] < 1:
        prune(network, teacher, images, options["keep"])
        first = (epochs + 1) // 2
        train(network, teacher, images, first, pruning_rate)
        epochs = max(1, epochs - first)
    parameters = sum(each.numel() for each in network.parameters())
    network = prepare_qat_fx(network.train(), rounding(task["reduceRange"]), (images[:1],))
    train(network, teacher, images, epochs, quantising_rate, freeze=True)
    export(network, images[:2], task["output"])
    return {"parameters": parameters}


def prune(network, teacher, images, keep):
    """Uniformly, by first-order Taylor over one batch of the loss that training uses; widths in multiples of 8."""
    pruner = torch_pruning.pruner.BasePruner(
        network,
        images[:1],
        importance=torch_pruning.importance.GroupTaylorImportance(),
        pruning_ratio=1 - keep,
        round_to=8,
        ignored_layers=[each for each in network.modules() if isinstance(each, nn.Linear)] + padded(network),
    )
    batch = images[:256]
    # At equal outputs this loss has no gradient, so the teacher's answers are taken as classes here.
    functional.cross_entropy(network(batch), answers(teacher, batch).argmax(1)).backward()
    pruner.step()
    network.zero_grad()


def padded(network):
    """Layers that write into a shortcut which pads channels: torch-pruning does not follow those."""
    blocks = [each for each in network.modules() if hasattr(each, "added")]
    return [network.conv1] + [each.conv2 for each in blocks] if blocks else []


def answers(teacher, batch):
    with torch.no_grad():
        return teacher(batch)


def train(network, teacher, images, epochs, rate, freeze=False):
    """SGD with momentum and a cosine schedule; flips. `freeze`: observers and BatchNormalization hold in the last half."""
    optimiser = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    steps = epochs * (-(-len(images) // batch_size))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    network.train()
    step = 0
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch_size):
            if freeze and step == steps // 2:
                network.apply(disable_observer)
                network.apply(freeze_bn_stats)
            batch = images[chosen]
            batch = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch, batch.flip(3))
            optimiser.zero_grad(set_to_none=True)
            distillation(network(batch), answers(teacher, batch)).backward()
            optimiser.step()
            schedule.step()
            step += 1


def distillation(given, wanted, temperature=2.0):
    """Hinton, Vinyals and Dean (2015), equation 2, with soft targets alone."""
    given, wanted = (functional.log_softmax(each / temperature, 1) for each in (given, wanted))
    return functional.kl_div(given, wanted, reduction="batchmean", log_target=True) * temperature**2


def rounding(reduce_range):
    """Activations uint8, weights int8 per channel; 7 bits where 8-bit sums can overflow."""
    most = 64 if reduce_range else 128
    activation = FakeQuantize.with_args(
        observer=MovingAverageMinMaxObserver, quant_min=0, quant_max=255, dtype=torch.quint8
    )
    weight = FakeQuantize.with_args(
        observer=MovingAveragePerChannelMinMaxObserver,
        quant_min=-most,
        quant_max=most - 1,
        dtype=torch.qint8,
        qscheme=torch.per_channel_symmetric,
        ch_axis=0,
    )
    return QConfigMapping().set_global(QConfig(activation=activation, weight=weight))
