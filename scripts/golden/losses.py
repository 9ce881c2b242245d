"""Values and gradients of the losses by PyTorch in float64. Writes test/golden/losses.json.

Logits, labels and weights come from formulas that the test computes too (`wave`)."""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F


def wave(count, step, scale):
    """scale * sin(step * (i + 1)), i = 0..count-1"""
    return torch.tensor([scale * math.sin(step * (i + 1)) for i in range(count)], dtype=torch.float64)


def inputs(channels, shape=(2, 5, 4)):
    n, h, w = shape
    logits = wave(n * channels * h * w, 0.7, 4.0).reshape(n, channels, h, w).requires_grad_()
    classes = max(2, channels)
    labels = torch.tensor([(i * i + i // 3) % classes for i in range(n * h * w)]).reshape(n, h, w)
    weights = torch.tensor([0.0 if i % 7 == 3 else 0.5 + (i % 5) for i in range(n * h * w)], dtype=torch.float64)
    return logits, labels, weights.reshape(n, h, w)


def mean(per_pixel, weights):
    return (per_pixel * weights).sum() / weights.sum()


def hot(labels, channels):
    if channels == 1:
        return (labels == 1).unsqueeze(1).double()
    return F.one_hot(labels, channels).movedim(-1, 1).double()


def probabilities(logits):
    return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, 1)


def cross_entropy(logits, labels, weights):
    if logits.shape[1] == 1:
        return mean(F.binary_cross_entropy_with_logits(logits[:, 0], (labels == 1).double(), reduction="none"), weights)
    return mean(F.cross_entropy(logits, labels, reduction="none"), weights)


def sigmoid_cross_entropy(logits, labels, weights):
    each = F.binary_cross_entropy_with_logits(logits, hot(labels, logits.shape[1]), reduction="none")
    return mean(each.mean(1), weights)


def dice(logits, labels, weights, batch=True, background=None, smooth=1.0):
    c = logits.shape[1]
    axes = (0, 2, 3) if batch else (2, 3)
    p, t, w = probabilities(logits), hot(labels, c), weights.unsqueeze(1)
    score = (2 * (w * p * t).sum(axes) + smooth) / ((w * p).sum(axes) + (w * t).sum(axes) + smooth)
    if c > 1 and not background:
        score = score[..., 1:]
    return (1 - score).mean()


def dice_ce(logits, labels, weights):
    return dice(logits, labels, weights) + cross_entropy(logits, labels, weights)


def focal(logits, labels, weights, gamma=2.0, alpha=None):
    if logits.shape[1] == 1:
        t = (labels == 1).double()
        ce = F.binary_cross_entropy_with_logits(logits[:, 0], t, reduction="none")
        a = 1.0 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    else:
        ce = F.cross_entropy(logits, labels, reduction="none")
        a = 1.0
    return mean(a * (1 - torch.exp(-ce)) ** gamma * ce, weights)


CASES = {
    "ce": (cross_entropy, {}),
    "sigmoid-ce": (sigmoid_cross_entropy, {}),
    "dice": (dice, {}),
    "dice, per image, with background": (dice, {"batch": False, "background": True, "smooth": 0.5}),
    "dice-ce": (dice_ce, {}),
    "focal": (focal, {}),
    "focal, gamma 1.5": (focal, {"gamma": 1.5}),
}

golden = {}
for name, (loss, options) in CASES.items():
    golden[name] = {}
    for channels in (1, 2, 3):
        logits, labels, weights = inputs(channels)
        value = loss(logits, labels, weights, **options)
        value.backward()
        golden[name][channels] = {"value": value.item(), "gradient": [float(f"{g:.9g}") for g in logits.grad.flatten().tolist()]}
logits, labels, weights = inputs(1)
value = focal(logits, labels, weights, alpha=0.25)
value.backward()
golden["focal, alpha 0.25"] = {}
golden["focal, alpha 0.25"][1] = {"value": value.item(), "gradient": [float(f"{g:.9g}") for g in logits.grad.flatten().tolist()]}

out = Path(__file__).parents[2] / "test/golden/losses.json"
out.write_text(json.dumps({"torch": torch.__version__, "cases": golden}) + "\n")
print(out, out.stat().st_size)
