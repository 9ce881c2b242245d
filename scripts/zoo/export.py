"""Networks of the field with random weights, as ONNX files, and what PyTorch computes with them in float64.

Usage: python scripts/zoo/export.py FOLDER [--kinds legacy17,dynamo] [--only NAME,...]

FOLDER/<network>.<kind>.onnx by PyTorch's exporters (`legacy17`: the one of TorchScript, opset 17; `dynamo`: the default),
and FOLDER/<network>.npz: image x, result y, factors c, gx and g:<parameter>, the gradients of sum(c y), e:<parameter>, how
far PyTorch's own float32 is off, relative to the largest number, and n:<parameter>, the parameter's norm, by which a tensor
is recognised that an exporter left as it was. What is there already is kept.
Prints one line of JSON per file.
"""

import argparse
import contextlib
import io
import json
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from networks import NETWORKS
from torch import nn

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
torch.set_num_threads(1)

# An activation within rounding of its kink has another gradient in float32: another image is drawn where float32, or noise
# of the size of rounding behind each layer, changes the gradient.
MOST_TRIES = 12
AGREEMENT = 1e-5
NOISE = 5e-7


def prepared(build):
    """The module in evaluation, its batch normalisations with statistics that are not 0 and 1."""
    torch.manual_seed(0)
    net = build().eval()
    g = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=g) * 0.1)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=g) + 0.5)
    return net


def computed(net, x, c):
    """Result and gradients. Of two images the first: with one, PyTorch 2.13 errs behind some batch normalisations."""
    net.zero_grad()
    x = x.clone().requires_grad_()
    try:
        y = net(torch.cat([x, x]))[:1]
    except Exception:
        y = net(x)
    (y * c.to(y.dtype)).sum().backward()
    gradients = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    return y.detach(), x.grad, gradients


def difference(a, b):
    return float((a.double() - b).abs().max() / b.abs().max().clamp(min=1e-30))


@contextlib.contextmanager
def noise_behind_layers(net):
    def add(_module, _inputs, y):
        return y + NOISE * y.detach().abs().mean() * torch.randn_like(y) if torch.is_tensor(y) else y

    handles = [module.register_forward_hook(add) for module in net.modules() if not list(module.children())]
    yield
    for handle in handles:
        handle.remove()


def drawn(net, shape):
    """An image, factors of the result, and what float32 and float64 make of them."""
    for seed in range(MOST_TRIES):
        g = torch.Generator().manual_seed(seed)
        x = torch.randn(shape, generator=g)
        with torch.no_grad():
            y = net.float()(x)
        c = torch.randn(y.shape, generator=g) / y.numel() ** 0.5
        single = computed(net, x, c)
        exact = computed(net.double(), x.double(), c)
        with noise_behind_layers(net):
            near = [computed(net, x.double(), c)[1] for _ in range(3)]
        if max(difference(gx, exact[1]) for gx in [single[1], *near]) < AGREEMENT:
            break
    return x, c, single, exact


def write_reference(net, shape, file):
    x, c, single, (y, gx, gradients) = drawn(net, shape)
    net.float()
    arrays = {"x": x, "y": y, "c": c, "gx": gx, "ex": torch.tensor([difference(single[1], gx)])}
    for name, gradient in gradients.items():
        arrays[f"g:{name}"] = gradient
        arrays[f"e:{name}"] = torch.tensor([difference(single[2][name], gradient)])
        arrays[f"n:{name}"] = net.get_parameter(name).detach().double().norm().reshape(1)
    np.savez(file, **{name: array.numpy() for name, array in arrays.items()})
    return x


def export(net, x, is_open, kind, file):
    sides = range(2, x.dim())
    names = {"input_names": ["image"], "output_names": ["out"]}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if kind.startswith("legacy"):
            axes = {"image": {0: "n"} | {i: f"side{i}" for i in sides}} if is_open else {}
            torch.onnx.export(net, x, file, dynamo=False, opset_version=int(kind[6:]), dynamic_axes=axes, **names)
        else:
            shapes = ({i: torch.export.Dim.DYNAMIC for i in sides},) if is_open else None
            torch.onnx.export(net, (x,), file, dynamo=True, dynamic_shapes=shapes, external_data=False, **names)


arguments = argparse.ArgumentParser()
arguments.add_argument("folder", type=Path)
arguments.add_argument("--kinds", default="legacy17,dynamo")
arguments.add_argument("--only", default=",".join(NETWORKS))
given = arguments.parse_args()
given.folder.mkdir(parents=True, exist_ok=True)
for name in given.only.split(","):
    build, shape, is_open = NETWORKS[name]
    files = {kind: given.folder / f"{name}.{kind}.onnx" for kind in given.kinds.split(",")}
    reference = given.folder / f"{name}.npz"
    if reference.exists() and all(file.exists() for file in files.values()):
        continue
    net = prepared(build)
    x = torch.from_numpy(np.load(reference)["x"]) if reference.exists() else write_reference(net, shape, reference)
    for kind, file in files.items():
        if file.exists():
            continue
        start = time.time()
        try:
            export(net, x, is_open, kind, str(file))
            problem = {}
        except Exception as error:
            problem = {"problem": f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"}
        print(json.dumps({"file": file.name, "seconds": round(time.time() - start, 1)} | problem), flush=True)
