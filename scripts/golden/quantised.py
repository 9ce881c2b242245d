"""A small network and what ONNX Runtime's quantisation, and a conversion to 16-bit floats, make of it, for
test/graph/float-form.test.ts.

Usage: python scripts/golden/quantised.py

Needs torch, onnx and onnxruntime. Writes test/golden/quantised-<kind>.onnx and test/golden/quantised.json: an image, what
PyTorch computes for it, and the gradients of sum(c y) by the weights.
"""

import json
import pathlib
import tempfile

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from torch import nn

out = pathlib.Path(__file__).parents[2] / "test" / "golden"
SIDE = 16


class Net(nn.Module):
    """Two levels, whose activations quantisation expresses by ranges."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.down = nn.Conv2d(4, 8, 3, padding=1)
        self.low = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(12, 2, 1)

    def forward(self, x):
        a = F.relu(self.first(x))
        b = F.relu(self.down(F.max_pool2d(a, 4)))
        b = b + torch.sigmoid(self.low(b))
        return self.last(torch.cat([a, F.interpolate(b, scale_factor=4.0, mode="nearest")], 1))


class Images(CalibrationDataReader):
    def __init__(self):
        self.images = iter([{"image": torch.randn(1, 1, SIDE, SIDE).numpy()} for _ in range(20)])

    def get_next(self):
        return next(self.images, None)


def halved(model):
    """Everything in 16 bits, the image and the result too."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in scales(model):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name))
    for info in [*model.graph.input, *model.graph.output]:
        info.type.tensor_type.elem_type = TensorProto.FLOAT16
    del model.graph.value_info[:]
    return model


def scales(model):
    """The scales of Resize, which stay float32."""
    return {name for node in model.graph.node if node.op_type == "Resize" for name in node.input[1:]}


def numbers(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]}


torch.manual_seed(3)
net = Net().eval()
axes = {"image": {2: "height", 3: "width"}, "out": {2: "height", 3: "width"}}
with tempfile.TemporaryDirectory() as folder:
    plain = f"{folder}/plain.onnx"
    x = torch.randn(1, 1, SIDE, SIDE)
    names = {"input_names": ["image"], "output_names": ["out"], "dynamic_axes": axes}
    torch.onnx.export(net, x, plain, opset_version=17, dynamo=False, **names)
    onnx.save(halved(onnx.load(plain)), out / "quantised-half.onnx")
    quantize_dynamic(plain, out / "quantised-dynamic.onnx", weight_type=QuantType.QUInt8)
    static = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    kinds = {
        "qdq": {"quant_format": QuantFormat.QDQ, "per_channel": True},
        "qdq-signed": {"quant_format": QuantFormat.QDQ, "activation_type": QuantType.QInt8},
        "operators": {"quant_format": QuantFormat.QOperator},
    }
    for kind, options in kinds.items():
        torch.manual_seed(4)
        quantize_static(plain, out / f"quantised-{kind}.onnx", Images(), **(static | options))

c = torch.randn(1, 2, SIDE, SIDE) / SIDE
y = net(x)
(y * c).sum().backward()
gradients = {name: numbers(p.grad) for name, p in net.named_parameters()}
weights = {name: numbers(p) for name, p in net.named_parameters()}
made = {"x": numbers(x), "y": numbers(y), "c": numbers(c), "weights": weights}
(out / "quantised.json").write_text(json.dumps(made | {"gradients": gradients}))
for file in sorted(out.glob("quantised-*.onnx")):
    print(file.name, file.stat().st_size, sorted({node.op_type for node in onnx.load(file).graph.node}))
