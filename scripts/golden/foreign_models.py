"""Small segmentation models as PyTorch exports them, with what PyTorch computes, for test/predict/foreign.test.ts."""
import base64
import io
import json
import pathlib

import torch
from torch import nn

torch.manual_seed(1)


def conv(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1))


class Net(nn.Module):
    """One level down and up again, with a skip; `coarse` gives a map of a quarter of the size."""

    def __init__(self, inputs, outputs, last=None, coarse=False):
        super().__init__()
        self.down, self.low, self.up = conv(inputs, 6), conv(6, 8), conv(14, 6)
        self.head = nn.Conv2d(6, outputs, 1)
        self.last, self.coarse = last, coarse

    def forward(self, x):
        a = self.down(x)
        b = self.low(nn.functional.max_pool2d(a, 2))
        b = nn.functional.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        y = self.head(self.up(torch.cat([a, b], 1)))
        if self.coarse:
            y = nn.functional.avg_pool2d(y, 4)
        return y if self.last is None else self.last(y)


class VolumeNet(nn.Module):
    """The same for volumes whose slices lie far apart: kernels and strides of 1 along the depth at the first level."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv3d(1, 4, (1, 3, 3), padding=(0, 1, 1)), nn.LeakyReLU(0.1))
        self.low = nn.Sequential(nn.Conv3d(4, 6, 3, padding=1), nn.BatchNorm3d(6), nn.ReLU())
        self.lowest = nn.Sequential(nn.Conv3d(6, 6, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose3d(6, 4, (1, 2, 2), stride=(1, 2, 2))
        self.head = nn.Conv3d(8, 2, 3, padding=1)

    def forward(self, x):
        a = self.down(x)
        b = self.low(nn.functional.max_pool3d(a, (1, 2, 2)))
        b = b + nn.functional.interpolate(self.lowest(nn.functional.max_pool3d(b, 2)), scale_factor=2, mode="nearest")
        return self.head(torch.cat([a, self.up(b)], 1))


def export(net, inputs, size, dynamic):
    net.eval()
    with torch.no_grad():
        for m in net.modules():  # Logits that differ from pixel to pixel.
            if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm3d)):
                m.running_var.fill_(0.1)
    x = torch.rand(1, inputs, *size)
    f = io.BytesIO()
    sides = ["d", "h", "w"][-len(size) :]
    axes = None
    if dynamic:
        axes = {
            "input": {0: "n", **{2 + i: side for i, side in enumerate(sides)}},
            "output": {0: "n", **{2 + i: f"{side}2" for i, side in enumerate(sides)}},
        }
    torch.onnx.export(
        net, (x,), f, input_names=["input"], output_names=["output"], dynamic_axes=axes, opset_version=17, dynamo=False
    )
    with torch.no_grad():
        y = net(x)
    return {
        "model": base64.b64encode(f.getvalue()).decode(),
        "shape": list(size),
        "input": [round(v, 6) for v in x.flatten().tolist()],
        "output": [round(v, 6) for v in y.flatten().tolist()],
    }


cases = {
    "open size, three classes, logits": export(Net(3, 3), 3, (24, 32), True),
    "fixed size, one channel, sigmoid": export(Net(1, 1, nn.Sigmoid()), 1, (32, 32), False),
    "open size, a quarter of the resolution": export(Net(1, 2, coarse=True), 1, (32, 32), True),
    "volumes of open size": export(VolumeNet(), 1, (6, 12, 16), True),
}
out = pathlib.Path(__file__).parents[2] / "test/golden/foreign_models.json"
out.write_text(json.dumps(cases))
print(out.stat().st_size)
