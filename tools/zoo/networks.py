"""Networks of the zoo that no library has: decoders that enlarge by ConvTranspose or by Resize."""
import torch
from torch import nn


def block(inputs, outputs):
    layers = []
    for source in (inputs, outputs):
        layers += [nn.Conv2d(source, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """[N, 3, H, W] to [N, 2, H, W]; H and W are multiples of 8."""

    widths = (16, 32, 64, 128)

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList(block(i, o) for i, o in zip((3, *self.widths), self.widths))
        self.enlarge = nn.ModuleList(self.enlarger(o, i) for i, o in zip(self.widths, self.widths[1:]))
        self.up = nn.ModuleList(block(2 * width, width) for width in self.widths[:-1])
        self.head = nn.Conv2d(self.widths[0], 2, 1)

    def enlarger(self, inputs, outputs):
        return nn.ConvTranspose2d(inputs, outputs, 2, stride=2)

    def forward(self, x):
        passed = []
        for level, layers in enumerate(self.down):
            x = layers(x if level == 0 else nn.functional.max_pool2d(x, 2))
            passed.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](torch.cat([self.enlarge[level](x), passed[level]], 1))
        return self.head(x)


class UNetResize(UNet):
    def enlarger(self, inputs, outputs):
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(inputs, outputs, 1)
        )
