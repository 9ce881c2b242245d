"""Every network of the line by PyTorch in float64, from the weights in its exported ONNX file.

Run: python scripts/golden/networks.py   (writes test/golden/networks.json)
The files are written by test/models/pytorch.test.ts. Only their initialisers are read: the layers are built here anew,
from the papers' tables.
"""

import json
import math
import os
import subprocess
import tempfile
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper

ROOT = Path(__file__).parents[2]


def image(shape, amplitude):
    count = math.prod(shape)
    values = [amplitude * math.sin(0.7 * i + 0.0011 * i * i) for i in range(count)]
    return torch.tensor(values, dtype=torch.float32).double().reshape(shape)


class Weights:
    def __init__(self, path):
        model = onnx.load(path)
        self.arrays = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in model.graph.initializer}
        self.used = set()

    def __call__(self, name):
        self.used.add(name)
        return self.arrays[name].double()

    def dense(self, x, name):
        return F.linear(x, self(f"{name}/weight"), self(f"{name}/bias"))

    def conv(self, x, name, **options):
        bias = f"{name}/bias"
        conv = F.conv2d if x.dim() == 4 else F.conv3d
        return conv(x, self(f"{name}/weight"), self(bias) if bias in self.arrays else None, **options)

    def all_used(self):
        return {n for n in self.arrays if n.endswith(("/weight", "/bias", "/scale"))} == self.used


def perceptron(w, x, spec):
    return w.dense(x.flatten(1), "output")


def mlp(w, x, spec):
    act = {"relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}[spec.get("activation", "relu")]
    x = x.flatten(1)
    for i in range(len(spec.get("hidden", [512, 512]))):
        x = act(w.dense(x, f"hidden{i + 1}"))
    return w.dense(x, "output")


def alexnet(w, x, spec):
    def lrn(x):
        # The paper's formula by hand: k 2, n 5, alpha 1e-4 not divided by n, beta 0.75.
        squares = F.pad(x * x, (0, 0, 0, 0, 2, 2))
        total = sum(squares[:, i : i + x.shape[1]] for i in range(5))
        return x / (2 + 1e-4 * total) ** 0.75

    def cover(side):
        return (math.ceil((side - 11) / 4) * 4 + 11) - side

    x = F.pad(x, (0, cover(x.shape[3]), 0, cover(x.shape[2])))
    x = F.max_pool2d(lrn(F.relu(w.conv(x, "conv1", stride=4))), 3, 2)
    x = F.max_pool2d(lrn(F.relu(w.conv(x, "conv2", padding=2, groups=2))), 3, 2)
    x = F.relu(w.conv(x, "conv3", padding=1))
    x = F.relu(w.conv(x, "conv4", padding=1, groups=2))
    x = F.max_pool2d(F.relu(w.conv(x, "conv5", padding=1, groups=2)), 3, 2).flatten(1)
    x = F.relu(w.dense(x, "dense6"))
    x = F.relu(w.dense(x, "dense7"))
    return w.dense(x, "dense8")


def sliding_window(stages):
    def network(w, x, spec):
        for i in range(stages):
            x = F.max_pool2d(1.7159 * torch.tanh(0.6666 * w.conv(x, f"conv{i + 1}")), 2)
        x = 1.7159 * torch.tanh(0.6666 * w.dense(x.flatten(1), "hidden"))
        return w.dense(x, "output")[:, :, None, None]

    return network


def unet(w, x, spec):
    depth, skips = spec["depth"], []
    instance, residual = spec.get("norm") == "instance", spec.get("residual", False)

    def convolve(x, name, padding):
        y = w.conv(x, name, padding=padding)
        if not instance:
            return y
        return F.instance_norm(y, weight=w(f"{name}/norm/scale"), bias=w(f"{name}/norm/bias"), eps=1e-5)

    def block(x, name):
        y = convolve(F.relu(convolve(x, f"{name}/conv1", 1)), f"{name}/conv2", 1)
        if residual:
            y = y + (x if x.shape[1] == y.shape[1] else convolve(x, f"{name}/shortcut", 0))
        return F.relu(y)

    for level in range(depth + 1):
        x = block(F.max_pool2d(x, 2) if level > 0 else x, f"encoder{level}")
        skips.append(x)
    for level in reversed(range(depth)):
        x = w.conv(x, f"decoder{level}/up")
        if spec.get("upsampling") == "linear":
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        else:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = block(torch.cat([skips[level], x], 1), f"decoder{level}")
    return w.conv(x, "output")


def unet3d(w, x, spec):
    kernels, factors, skips = spec["kernels"], spec["factors"], []

    def block(x, name, kernel):
        for i in (1, 2):
            x = F.relu(w.conv(x, f"{name}/conv{i}", padding=[side // 2 for side in kernel]))
        return x

    for level, kernel in enumerate(kernels):
        x = block(F.max_pool3d(x, factors[level - 1]) if level > 0 else x, f"encoder{level}", kernel)
        skips.append(x)
    for level in reversed(range(len(factors))):
        x = F.interpolate(w.conv(x, f"decoder{level}/up"), scale_factor=factors[level], mode="nearest")
        x = block(torch.cat([skips[level], x], 1), f"decoder{level}", kernels[level])
    return w.conv(x, "output")


def unet2015(w, x, spec):
    skips = []
    for level in range(5):
        if level > 0:
            x = F.max_pool2d(x, 2)
        for i in (1, 2):
            x = F.relu(w.conv(x, f"encoder{level}/conv{i}"))
        skips.append(x)
    for level in reversed(range(4)):
        name = f"decoder{level}/up"
        x = F.conv_transpose2d(x, w(f"{name}/weight"), w(f"{name}/bias"), stride=2)
        cut = (skips[level].shape[2] - x.shape[2]) // 2
        skip = skips[level][:, :, cut : cut + x.shape[2], cut : cut + x.shape[3]]
        x = torch.cat([skip, x], 1)
        for i in (1, 2):
            x = F.relu(w.conv(x, f"decoder{level}/conv{i}"))
    return w.conv(x, "output")


NETWORKS = {
    "perceptron": perceptron,
    "mlp": mlp,
    "alexnet": alexnet,
    "unet": unet,
    "unet2015": unet2015,
    "unet3d": unet3d,
    **{f"n{stages}": sliding_window(stages) for stages in (1, 2, 3, 4)},
}

golden = {}
with tempfile.TemporaryDirectory() as folder:
    command = ["npx", "vitest", "run", "test/models/pytorch.test.ts"]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "NETWORKS_OUT": folder}, stdout=subprocess.DEVNULL)
    for path in sorted(Path(folder).glob("*.onnx")):
        about = json.loads(path.with_suffix(".json").read_text())
        w = Weights(path)
        logits = NETWORKS[about["spec"]["name"]](w, image(about["image"], about["amplitude"]), about["spec"])
        assert w.all_used(), f"{path}: weights that nothing uses"
        p = torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, 1)
        values = p.flatten()
        every = math.ceil(len(values) / 400)
        golden[path.stem] = {"shape": list(p.shape), "values": [float(f"{v:.9g}") for v in values[::every].tolist()]}

out = ROOT / "test/golden/networks.json"
out.write_text(json.dumps({"torch": torch.__version__, "networks": golden}) + "\n")
print(out, out.stat().st_size)
