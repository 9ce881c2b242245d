"""The networks of src/models and bench/unet-step.ts in PyTorch."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def double(c, k, padding):
    return nn.Sequential(
        nn.Conv2d(c, k, 3, padding=padding), nn.ReLU(True), nn.Conv2d(k, k, 3, padding=padding), nn.ReLU(True)
    )


class UNet(nn.Module):
    """up: transposed as in 2015, or nearest (a 1x1 convolution, then every pixel four times) as `unet` does."""

    def __init__(self, base, padding=1, up="transposed"):
        super().__init__()
        widths = [min(base << i, 512) if up == "nearest" else base << i for i in range(5)]
        self.down = nn.ModuleList(double(c, k, padding) for c, k in zip([1] + widths, widths))
        kernel = 2 if up == "transposed" else 1
        make = nn.ConvTranspose2d if up == "transposed" else nn.Conv2d
        self.up = nn.ModuleList(make(widths[i + 1], widths[i], kernel, kernel) for i in range(4))
        self.decode = nn.ModuleList(double(2 * widths[i], widths[i], padding) for i in range(4))
        self.head = nn.Conv2d(base, 2, 1)
        self.nearest = up == "nearest"

    def forward(self, x):
        skips = []
        for i, layer in enumerate(self.down):
            x = layer(x if i == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for i in (3, 2, 1, 0):
            y = self.up[i](x)
            if self.nearest:
                y = F.interpolate(y, scale_factor=2, mode="nearest")
            cut = (skips[i].shape[2] - y.shape[2]) // 2
            skip = skips[i][:, :, cut : cut + y.shape[2], cut : cut + y.shape[3]]
            x = self.decode[i](torch.cat([skip, y], 1))
        return self.head(x)
