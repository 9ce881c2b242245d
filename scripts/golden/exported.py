"""Networks exported by PyTorch, with their outputs and gradients, for test/graph/foreign.test.ts.

Needs torch, onnx and onnxscript. Writes test/golden/exported-*.onnx and test/golden/exported.json.
"""
import json
import pathlib
import sys

import onnx
import torch
import torch.nn.functional as F
from torch import nn

out = pathlib.Path(__file__).parents[2] / "test" / "golden"


class SmallUnet(nn.Module):
    """Normalisation, sizes computed from the input, and a skip that is padded to fit."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.bottom = nn.Conv2d(4, 6, 3, padding=1)
        self.group = nn.InstanceNorm2d(6, affine=True)
        self.up = nn.ConvTranspose2d(6, 4, 2, stride=2)
        self.last = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        a = F.leaky_relu(self.norm(self.down(x)), 0.1)
        b = F.gelu(self.group(self.bottom(F.max_pool2d(a, 2))))
        b = b + F.interpolate(F.adaptive_avg_pool2d(a, 1)[:, :1], size=b.shape[2:], mode="nearest")
        c = self.up(b)
        c = F.pad(c, (0, a.shape[3] - c.shape[3], 0, a.shape[2] - c.shape[2]))
        y = self.last(torch.cat([a, c], 1))
        return y.reshape(y.shape[0], 3, -1).permute(0, 2, 1).softmax(-1)


def numbers(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]}


torch.manual_seed(1)
model = SmallUnet()
with torch.no_grad():
    model.norm.running_mean.uniform_(-0.2, 0.2)
    model.norm.running_var.uniform_(0.5, 1.5)
model.eval()
x = torch.rand(1, 1, 9, 12).round(decimals=3)
d = torch.rand(1, 108, 3).round(decimals=3)
files = {}


def keep(name, **options):
    path = out / f"exported-{name}.onnx"
    torch.onnx.export(model, (x,), str(path), input_names=["x"], output_names=["y"], external_data=False, **options)
    proto = onnx.load(path)
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del proto.graph.value_info[:]
    onnx.save(proto, path)
    files[name] = {"opset": proto.opset_import[0].version, "ops": sorted({n.op_type for n in proto.graph.node})}
    print(name, path.stat().st_size, files[name])


for name, options in {
    "dynamo": dict(dynamo=True, opset_version=18, dynamic_shapes={"x": {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}}),
    "script-11": dict(dynamo=False, opset_version=11, dynamic_axes={"x": {2: "height", 3: "width"}}),
    "script-17": dict(dynamo=False, opset_version=17, dynamic_axes={"x": {2: "height", 3: "width"}}),
}.items():
    try:
        keep(name, **options)
    except Exception as error:  # an exporter that this PyTorch lacks
        print(name, "failed:", type(error).__name__, str(error)[:300], file=sys.stderr)

parameters = dict(model.named_parameters())
y = model(x)
gradients = torch.autograd.grad(y, list(parameters.values()), d)
(out / "exported.json").write_text(
    json.dumps(
        {
            "torch": torch.__version__,
            "x": numbers(x),
            "y": numbers(y),
            "dY": numbers(d),
            "gradients": {name: numbers(g) for name, g in zip(parameters, gradients)},
        },
        separators=(",", ":"),
    )
    + "\n"
)
