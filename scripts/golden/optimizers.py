"""Ten steps of each optimizer, and the learning-rate schedules, by PyTorch. Writes test/golden/optimizers.json.

Two parameters: a kernel (with weight decay) and a bias (without); their gradients at step t (from 1) are
the formulas below, which the test computes too."""

import json
import math
from pathlib import Path

import torch

COUNT, STEPS = 6, 10


def start(k):
    return [math.sin(1.3 * (i + 1) + k) for i in range(COUNT)]


def gradient(t, k):
    return [math.cos(0.9 * (i + 1) * t + k) * (0.01 if i % 2 else 2.0) for i in range(COUNT)]


def rate(t):
    return 0.05 / math.sqrt(t)


OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"momentum": 0.9}, {}),
    "sgd plain": (torch.optim.SGD, {"momentum": 0.0}, {}),
    "sgd nesterov decay": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, {}),
    "adam": (torch.optim.Adam, {}, {}),
    "adam decay": (torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.1}, {}),
    "adamw": (torch.optim.AdamW, {"weight_decay": 0.1}, {}),
    "adamw clipped": (torch.optim.AdamW, {"weight_decay": 0.1}, {"clip": 1.5}),
}


def trajectory(make, options, clip=None):
    kernel = torch.tensor(start(0), dtype=torch.float64, requires_grad=True)
    bias = torch.tensor(start(1), dtype=torch.float64, requires_grad=True)
    groups = [{"params": [kernel]}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = make(groups, lr=1.0, **options)
    steps, norms = [], []
    for t in range(1, STEPS + 1):
        kernel.grad = torch.tensor(gradient(t, 0), dtype=torch.float64)
        bias.grad = torch.tensor(gradient(t, 1), dtype=torch.float64)
        if clip is not None:
            norms.append(torch.nn.utils.clip_grad_norm_([kernel, bias], clip).item())
        for group in optimizer.param_groups:
            group["lr"] = rate(t)
        optimizer.step()
        steps.append([round(v, 9) for v in (kernel.tolist() + bias.tolist())])
    return {"steps": steps, "norms": norms}


def factors(make, total=20):
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = make(optimizer)
    out = []
    for _ in range(total):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if len(out) < total else None
    return out


lr = torch.optim.lr_scheduler
golden = {
    "torch": torch.__version__,
    "optimizers": {name: trajectory(make, options, **extra) for name, (make, options, extra) in OPTIMIZERS.items()},
    "schedules": {
        "cosine": factors(lambda o: lr.CosineAnnealingLR(o, T_max=20)),
        "cosine, final 0.1": factors(lambda o: lr.CosineAnnealingLR(o, T_max=20, eta_min=0.1)),
        "polynomial": factors(lambda o: lr.PolynomialLR(o, total_iters=20, power=0.9)),
        "step": factors(lambda o: lr.MultiStepLR(o, milestones=[10, 15], gamma=0.1)),
        "one-cycle": factors(lambda o: lr.OneCycleLR(o, max_lr=1.0, total_steps=20)),
        "one-cycle, rise 0.5": factors(
            lambda o: lr.OneCycleLR(o, max_lr=1.0, total_steps=20, pct_start=0.5, div_factor=10, final_div_factor=100)
        ),
    },
}
out = Path(__file__).parents[2] / "test/golden/optimizers.json"
out.write_text(json.dumps(golden) + "\n")
print(out, out.stat().st_size)
