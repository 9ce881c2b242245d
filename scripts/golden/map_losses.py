"""Values and gradients of the losses of stars and flows by PyTorch in float64. Writes test/golden/map_losses.json.

Stars: as StarDist 0.9 composes its loss (binary cross entropy; `masked_loss_mae` of distances with the probability as
mask, divided by its mean, and `train_background_reg`; `train_loss_weights`). Flows: as Cellpose 3 (half of the mean squared
error of five times the flows, and binary cross entropy of cells). Maps, targets and weights come from formulas that the
test computes too (`wave`)."""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

N, H, W, RAYS = 2, 4, 3, 5


def wave(shape, step, scale, shift=0.0):
    """shift + scale * sin(step * (i + 1)), i = 0, 1, ..."""
    count = math.prod(shape)
    return torch.tensor([shift + scale * math.sin(step * (i + 1)) for i in range(count)], dtype=torch.float64).reshape(shape)


def weights():
    flat = [0.0 if i % 7 == 3 else 0.5 + (i % 5) for i in range(N * H * W)]
    return torch.tensor(flat, dtype=torch.float64).reshape(N, 1, H, W)


def stars(maps, probability, distances, w):
    entropy = F.binary_cross_entropy_with_logits(maps[:, :1], probability, reduction="none")
    error = (maps[:, 1:] - distances).abs().mean(1, keepdim=True)
    size = maps[:, 1:].abs().mean(1, keepdim=True)
    masked = (w * probability * error).sum() / (w * probability).sum()
    background = (w * (1 - probability) * size).sum() / w.sum()
    return (w * entropy).sum() / w.sum() + 0.2 * (masked + 1e-4 * background)


def flows(maps, unit, cell, w):
    square = F.mse_loss(maps[:, :2], 5.0 * unit, reduction="none").mean(1, keepdim=True)
    entropy = F.binary_cross_entropy_with_logits(maps[:, 2:], cell, reduction="none")
    return 0.5 * (w * square).sum() / w.sum() + (w * entropy).sum() / w.sum()


def case(loss, maps, *rest):
    maps.requires_grad_()
    value = loss(maps, *rest)
    value.backward()
    return {"value": value.item(), "gradient": [float(f"{g:.9g}") for g in maps.grad.flatten().tolist()]}


golden = {
    "stars": case(
        stars,
        wave((N, 1 + RAYS, H, W), 0.7, 4.0),
        wave((N, 1, H, W), 1.3, 0.5, 0.5),
        wave((N, RAYS, H, W), 0.9, 3.0, 3.0),
        weights(),
    ),
    "flows": case(
        flows,
        wave((N, 3, H, W), 0.7, 4.0),
        wave((N, 2, H, W), 0.9, 1.0),
        (wave((N, 1, H, W), 1.3, 1.0) > 0).double(),
        weights(),
    ),
}
out = Path(__file__).parents[2] / "test/golden/map_losses.json"
out.write_text(json.dumps({"torch": torch.__version__, "cases": golden}) + "\n")
print(out, out.stat().st_size)
