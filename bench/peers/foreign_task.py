"""Training step of a network of scripts/zoo/networks.py in PyTorch, in the way that is the fastest on this machine."""
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from torch_tasks import FORMATS, faster, training_step

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from zoo.networks import NETWORKS  # noqa: E402


def fold_norms(module):
    """Batch normalisations into the convolutions before them, as exporters do."""
    for child in module.children():
        fold_norms(child)
    if isinstance(module, nn.Sequential):
        layers = list(module.named_children())
        for (first, conv), (second, norm) in zip(layers, layers[1:]):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, first, fuse_conv_bn_eval(conv, norm))
                setattr(module, second, nn.Identity())


def foreign_step(net, size):
    def make(way):
        layout, norms = way.split(", ")
        torch.manual_seed(0)
        build, shape, _ = NETWORKS[net]
        model = build()
        if norms == "norms folded":
            fold_norms(model.eval())
        model.to(memory_format=FORMATS[layout])
        x = torch.randn(1, shape[1], size, size).to(memory_format=FORMATS[layout])
        target = torch.randint(0, model(x).shape[1], (1, size, size))
        return training_step(model, x, target)

    return faster(make, [f"{layout}, norms {norms}" for layout in FORMATS for norms in ("trained", "folded")])


TASKS = {"foreignStep": foreign_step}
