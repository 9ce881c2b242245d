"""unet and unet2015 by PyTorch in float64: logits, loss, gradients and the losses of five SGD steps.
Writes test/golden/unet.json.

Weights and image are formulas of the parameter's position and the element's index, which the test
computes too; gradients are stored as their first elements, sum and norm."""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

DOUBLE = {"dtype": torch.float64}


class Parameters:
    """Makes parameters by name in order: sqrt(2 / fan_in) * 1.4 * sin(0.37 (i + 1) + position) + offset."""

    def __init__(self):
        self.made = {}

    def __call__(self, name, shape, fan_in=None, offset=0.0, scale=None):
        if name not in self.made:
            size = math.prod(shape)
            scale = math.sqrt(2 / fan_in) * 1.4 if scale is None else scale
            k = len(self.made)
            # The square breaks the period, or all kernels would be shifted copies of each other.
            values = [offset + scale * math.sin(0.37 * (i + 1) + 0.0013 * i * i + k) for i in range(size)]
            self.made[name] = torch.tensor(values, **DOUBLE).reshape(shape).requires_grad_()
        return self.made[name]


def conv(p, x, outputs, name, kernel=3, padding=1, bias=True, standardise=False, scale=None):
    c = x.shape[1]
    w = p(f"{name}/weight", (outputs, c, kernel, kernel), c * kernel * kernel, scale=scale)
    if standardise:
        gain = p(f"{name}/gain", (outputs, 1, 1, 1), offset=1.0, scale=0.1)
        mean = w.mean((1, 2, 3), keepdim=True)
        var = ((w - mean) ** 2).mean((1, 2, 3), keepdim=True)
        w = gain * math.sqrt(2 / (c * kernel * kernel)) * (w - mean) / torch.sqrt(var + 1e-8)
    b = p(f"{name}/bias", (outputs,), scale=0.1) if bias else None
    return F.conv2d(x, w, b, padding=padding)


def crop(skip, like):
    d = (skip.shape[2] - like.shape[2]) // 2
    return skip[:, :, d : d + like.shape[2], d : d + like.shape[3]]


def unet2015(p, x, base, outputs, masks, depth=4):
    def twice(x, width, scope):
        x = F.relu(conv(p, x, width, f"{scope}/conv1", padding=0))
        return F.relu(conv(p, x, width, f"{scope}/conv2", padding=0))

    skips = []
    for level in range(depth + 1):
        x = twice(x if level == 0 else F.max_pool2d(x, 2), base * 2**level, f"encoder{level}")
        if level >= depth - 1:
            x = x * masks(x.shape, level)
        skips.append(x)
    for level in reversed(range(depth)):
        c, k = x.shape[1], base * 2**level
        up = F.conv_transpose2d(x, p(f"decoder{level}/up/weight", (c, k, 2, 2), c), p(f"decoder{level}/up/bias", (k,), scale=0.1), stride=2)
        x = twice(torch.cat([crop(skips[level], up), up], 1), k, f"decoder{level}")
    return conv(p, x, outputs, "output", 1, 0)


def unet(p, x, base, outputs, depth, norm="none", residual=False, upsampling="nearest"):
    def convolve(x, width, name, kernel=3):
        y = conv(p, x, width, name, kernel, kernel // 2, norm != "instance", norm == "weight")
        if norm != "instance":
            return y
        return F.instance_norm(y, weight=p(f"{name}/norm/scale", (width,), offset=1.0, scale=0.1), bias=p(f"{name}/norm/bias", (width,), scale=0.1))

    def block(x, width, scope):
        first = F.relu(convolve(x, width, f"{scope}/conv1"))
        second = convolve(first, width, f"{scope}/conv2")
        if not residual:
            return F.relu(second)
        same = x if x.shape[1] == width else convolve(x, width, f"{scope}/shortcut", 1)
        return F.relu(second + same)

    skips = []
    for level in range(depth + 1):
        x = block(x if level == 0 else F.max_pool2d(x, 2), base * 2**level, f"encoder{level}")
        skips.append(x)
    for level in reversed(range(depth)):
        k = base * 2**level
        low = conv(p, x, k, f"decoder{level}/up", 1, 0)
        mode = {"mode": "bilinear", "align_corners": False} if upsampling == "linear" else {"mode": "nearest"}
        x = block(torch.cat([skips[level], F.interpolate(low, scale_factor=2, **mode)], 1), k, f"decoder{level}")
    return conv(p, x, outputs, "output", 1, 0)


def unet3d(p, x, base, outputs, kernels, factors, norm="none"):
    def convolve(x, width, name, kernel):
        c, size = x.shape[1], x.shape[1] * math.prod(kernel)
        w = p(f"{name}/weight", (width, c, *kernel), size)
        if norm == "weight":
            gain = p(f"{name}/gain", (width, 1, 1, 1, 1), offset=1.0, scale=0.1)
            mean = w.mean((1, 2, 3, 4), keepdim=True)
            var = ((w - mean) ** 2).mean((1, 2, 3, 4), keepdim=True)
            w = gain * math.sqrt(2 / size) * (w - mean) / torch.sqrt(var + 1e-8)
        return F.conv3d(x, w, p(f"{name}/bias", (width,), scale=0.1), padding=tuple(k // 2 for k in kernel))

    def plain(x, width, name):
        w = p(f"{name}/weight", (width, x.shape[1], 1, 1, 1), x.shape[1])
        return F.conv3d(x, w, p(f"{name}/bias", (width,), scale=0.1))

    def block(x, level, scope):
        x = F.relu(convolve(x, base * 2**level, f"{scope}/conv1", kernels[level]))
        return F.relu(convolve(x, base * 2**level, f"{scope}/conv2", kernels[level]))

    skips = []
    for level in range(len(kernels)):
        x = block(x if level == 0 else F.max_pool3d(x, factors[level - 1]), level, f"encoder{level}")
        skips.append(x)
    for level in reversed(range(len(factors))):
        low = plain(x, base * 2**level, f"decoder{level}/up")
        up = F.interpolate(low, scale_factor=tuple(map(float, factors[level])), mode="nearest")
        x = block(torch.cat([skips[level], up], 1), level, f"decoder{level}")
    return plain(x, outputs, "output")


def picture(shape):
    return torch.tensor([math.sin(0.05 * i) + 0.5 * math.sin(0.013 * i * i) for i in range(math.prod(shape))], **DOUBLE).reshape(shape)


def mask(shape, level):
    return torch.tensor([0.0 if (i + level) % 3 == 0 else 2.0 for i in range(math.prod(shape))], **DOUBLE).reshape(shape)


def run(network, shape, channels, rate):
    p = Parameters()
    x = picture(shape)
    with torch.no_grad():
        first = network(p, x)
    size = first.shape[:1] + first.shape[2:]
    labels = torch.tensor([(i // 3 + i // 50) % 2 for i in range(math.prod(size))]).reshape(size)
    weights = torch.tensor([0.5 + i % 3 for i in range(math.prod(size))], **DOUBLE).reshape(size)
    losses, gradients = [], {}
    velocity = {name: torch.zeros_like(v) for name, v in p.made.items()}
    for step in range(5):
        z = network(p, x)
        if channels == 1:
            each = F.binary_cross_entropy_with_logits(z[:, 0], labels.double(), reduction="none")
        else:
            each = F.cross_entropy(z, labels, reduction="none")
        loss = (each * weights).sum() / weights.sum()
        grads = torch.autograd.grad(loss, list(p.made.values()))
        losses.append(loss.item())
        for (name, v), g in zip(p.made.items(), grads):
            if step == 0:
                head = [float(f"{e:.9g}") for e in g.flatten()[:4].tolist()]
                gradients[name] = {"shape": list(g.shape), "head": head, "sum": g.sum().item(), "norm": g.norm().item()}
            velocity[name] = 0.9 * velocity[name] + g
            v.data -= rate * velocity[name]
    return {
        "image": list(shape),
        "rate": rate,
        "logits": {"shape": list(first.shape), "values": [float(f"{e:.9g}") for e in first.flatten().tolist()]},
        "losses": losses,
        "gradients": gradients,
    }


golden = {
    "torch": torch.__version__,
    "unet": run(lambda p, x: unet(p, x, 4, 1, 3), (1, 1, 16, 24), 1, 0.02),
    "unet linear residual instance": run(
        lambda p, x: unet(p, x, 4, 2, 2, "instance", True, "linear"), (2, 1, 12, 16), 2, 0.02
    ),
    "unet weight": run(lambda p, x: unet(p, x, 4, 1, 3, "weight"), (1, 2, 16, 16), 1, 0.02),
    "unet3d": run(
        lambda p, x: unet3d(p, x, 3, 2, [(1, 3, 3), (3, 3, 3), (3, 3, 3)], [(1, 2, 2), (2, 2, 2)], "weight"),
        (2, 1, 4, 8, 12), 2, 0.02,
    ),
    "unet2015": run(lambda p, x: unet2015(p, x, 4, 2, mask), (1, 1, 188, 204), 2, 0.002),
}
out = Path(__file__).parents[2] / "test/golden/unet.json"
out.write_text(json.dumps(golden) + "\n")
print(out, out.stat().st_size, {k: v["losses"] for k, v in golden.items() if k != "torch"})
