"""Forward and gradients of differentiable ops by PyTorch, for test/graph/golden.test.ts.

Run: python scripts/golden/gradients.py   (writes test/golden/gradients.json)
Each case: op, attributes as ONNX has them, inputs, output, the gradient that came in, and one for each input.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
cases = []


def numbers(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.detach().flatten().tolist()]}


def case(op, shapes, function, attributes=None, low=-1.0, high=1.0, name="", constants=None):
    inputs = [torch.empty(s).uniform_(low, high).round(decimals=4).requires_grad_() for s in shapes]
    y = function(*inputs)
    d = torch.empty_like(y).uniform_(-1, 1).round(decimals=4)
    gradients = torch.autograd.grad(y, inputs, d)
    cases.append(
        {
            "op": op,
            "name": name,
            "attributes": attributes or {},
            "constants": constants or {},
            "inputs": [numbers(t) for t in inputs],
            "output": numbers(y),
            "dOutput": numbers(d),
            "dInputs": [numbers(t) for t in gradients],
        }
    )


case("Add", [(2, 3), (3,)], lambda a, b: a + b)
case("Sub", [(2, 3), (2, 1)], lambda a, b: a - b)
case("Mul", [(2, 3), (3,)], lambda a, b: a * b)
case("Div", [(2, 3), (3,)], lambda a, b: a / b, low=0.5, high=2)
case("Pow", [(2, 3), (3,)], lambda a, b: a**b, low=0.5, high=2)
case("Max", [(2, 3), (2, 3)], torch.maximum)
case("Min", [(2, 3), (2, 3)], torch.minimum)
for op, function in {
    "Neg": torch.neg,
    "Abs": torch.abs,
    "Exp": torch.exp,
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Softplus": F.softplus,
    "Erf": torch.erf,
}.items():
    case(op, [(3, 4)], function, low=-2, high=2)
for op, function in {"Sqrt": torch.sqrt, "Reciprocal": torch.reciprocal, "Log": torch.log}.items():
    case(op, [(3, 4)], function, low=0.3, high=2)
case("LeakyRelu", [(3, 4)], lambda x: F.leaky_relu(x, 0.1), {"alpha": 0.1})
case("Clip", [(3, 4)], lambda x: x.clamp(-0.5, 0.5), constants={"1": ["float32", [], [-0.5]], "2": ["float32", [], [0.5]]})

ints = lambda *v: ["int64", [len(v)], list(v)]
case("ReduceSum", [(2, 3, 4)], lambda x: x.sum((0, 2)), {"keepdims": 0}, constants={"1": ints(0, 2)})
case("ReduceMean", [(2, 3, 4)], lambda x: x.mean((1, 2), keepdim=True), {"keepdims": 1}, constants={"1": ints(1, 2)})
case("ReduceMax", [(2, 3, 4)], lambda x: x.amax(1), {"keepdims": 0}, constants={"1": ints(1)})
case("ReduceMin", [(2, 3, 4)], lambda x: x.amin((0, 2)), {"keepdims": 0}, constants={"1": ints(0, 2)})
case("Softmax", [(2, 3, 4)], lambda x: F.softmax(x, 1), {"axis": 1}, low=-3, high=3)
case("LogSoftmax", [(2, 3, 4)], lambda x: F.log_softmax(x, -1), {"axis": -1}, low=-3, high=3)

case("Reshape", [(2, 6)], lambda x: x.reshape(3, 4), constants={"1": ints(3, 4)})
case("Transpose", [(2, 3, 4)], lambda x: x.permute(2, 0, 1), {"perm": [2, 0, 1]})
case("Expand", [(3, 1)], lambda x: x.expand(2, 3, 4), constants={"1": ints(2, 3, 4)})
case("Tile", [(2, 3)], lambda x: x.repeat(2, 2), constants={"1": ints(2, 2)})
case("Concat", [(2, 1, 3), (2, 2, 3)], lambda a, b: torch.cat([a, b], 1), {"axis": 1})
case("Slice", [(5, 6)], lambda x: x[1:4, 1:6:2], constants={"1": ints(1, 1), "2": ints(4, 6), "3": ints(0, 1), "4": ints(1, 2)})
case("Pad", [(2, 3)], lambda x: F.pad(x, (1, 2, 0, 1)), constants={"1": ints(0, 1, 1, 2)})
case("Gather", [(4, 3)], lambda x: x[[2, 0, 2]], {"axis": 0}, constants={"1": ints(2, 0, 2)})
case("DepthToSpace", [(1, 8, 2, 3)], lambda x: F.pixel_shuffle(x, 2), {"blocksize": 2, "mode": "CRD"})
case("MatMul", [(2, 3, 4), (2, 4, 2)], torch.matmul)
case("Gemm", [(2, 3), (4, 3), (4,)], lambda a, b, c: 0.5 * a @ b.T + 1.5 * c, {"alpha": 0.5, "beta": 1.5, "transB": 1})

conv = F.conv2d
case("Conv", [(1, 2, 5, 6), (3, 2, 3, 3), (3,)], lambda x, w, b: conv(x, w, b, padding=1), {"pads": [1, 1, 1, 1]})
case("Conv", [(2, 2, 6, 5), (2, 2, 3, 2)], lambda x, w: conv(x, w, stride=(2, 3), padding=(1, 0)),
     {"strides": [2, 3], "pads": [1, 0, 1, 0]}, name="strided")
case("Conv", [(1, 4, 5, 5), (4, 2, 2, 2)], lambda x, w: conv(x, w, groups=2, dilation=2), {"group": 2, "dilations": [2, 2]},
     name="grouped, dilated")
case("ConvTranspose", [(1, 3, 3, 4), (3, 2, 2, 2), (2,)], lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2), {"strides": [2, 2]})
case("ConvTranspose", [(1, 4, 3, 3), (4, 1, 3, 3)],
     lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1, groups=2),
     {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1], "group": 2}, name="grouped, padded")
case("MaxPool", [(1, 2, 6, 7)], lambda x: F.max_pool2d(x, 2), {"kernel_shape": [2, 2], "strides": [2, 2]})
case("MaxPool", [(1, 2, 7, 7)], lambda x: F.max_pool2d(x, 3, 2), {"kernel_shape": [3, 3], "strides": [2, 2]}, name="overlapping")
case("AveragePool", [(1, 2, 5, 6)], lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]})
case("AveragePool", [(1, 2, 6, 6)], lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1, "ceil_mode": 1}, name="ceil, padding counted")
case("GlobalAveragePool", [(2, 3, 2, 4)], lambda x: x.mean((2, 3), keepdim=True))
mean, variance = torch.tensor([0.1, -0.2]), torch.tensor([1.5, 0.5])
case("BatchNormalization", [(2, 2, 3), (2,), (2,)], lambda x, s, b: F.batch_norm(x, mean, variance, s, b, eps=1e-3),
     {"epsilon": 1e-3}, constants={"3": ["float32", [2], mean.tolist()], "4": ["float32", [2], variance.tolist()]})
case("InstanceNormalization", [(2, 3, 3, 4), (3,), (3,)], lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-3), {"epsilon": 1e-3})
case("LRN", [(1, 7, 2, 3)], lambda x: F.local_response_norm(x, 5, 0.3, 0.75, 2.0), {"size": 5, "alpha": 0.3, "beta": 0.75, "bias": 2.0}, low=-2, high=2)
scales = lambda *v: {"2": ["float32", [len(v)], list(v)]}
case("Resize", [(1, 2, 3, 4)], lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
     {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, name="nearest", constants=scales(1, 1, 2, 2))
case("Resize", [(1, 2, 3, 4)], lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
     {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, name="bilinear", constants=scales(1, 1, 2, 2))
case("Resize", [(1, 1, 3, 4)], lambda x: F.interpolate(x, size=(5, 7), mode="bilinear", align_corners=True),
     {"mode": "linear", "coordinate_transformation_mode": "align_corners"}, name="bilinear, aligned corners",
     constants={"3": ints(1, 1, 5, 7)})

# Volumes, [N, C, D, H, W]
case("Conv", [(1, 2, 3, 4, 5), (3, 2, 3, 3, 3), (3,)], lambda x, w, b: F.conv3d(x, w, b, padding=1), {"pads": [1] * 6}, name="of a volume")
case("Conv", [(2, 2, 3, 5, 4), (3, 2, 1, 3, 3)], lambda x, w: F.conv3d(x, w, stride=(1, 2, 2), padding=(0, 1, 1)),
     {"strides": [1, 2, 2], "pads": [0, 1, 1, 0, 1, 1]}, name="of a volume, slice by slice")
case("Conv", [(1, 4, 4, 4, 3), (4, 2, 2, 2, 2)], lambda x, w: F.conv3d(x, w, groups=2, dilation=(2, 1, 1)),
     {"group": 2, "dilations": [2, 1, 1]}, name="of a volume, grouped, dilated")
case("ConvTranspose", [(1, 3, 2, 2, 3), (3, 2, 1, 2, 2), (2,)], lambda x, w, b: F.conv_transpose3d(x, w, b, stride=(1, 2, 2)),
     {"strides": [1, 2, 2]}, name="of a volume")
case("MaxPool", [(1, 2, 4, 5, 4)], lambda x: F.max_pool3d(x, 2), {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}, name="of a volume")
case("AveragePool", [(1, 2, 4, 4, 5)], lambda x: F.avg_pool3d(x, (1, 2, 2)), {"kernel_shape": [1, 2, 2], "strides": [1, 2, 2]}, name="of a volume")
case("InstanceNormalization", [(2, 2, 2, 3, 2), (2,), (2,)], lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-3), {"epsilon": 1e-3}, name="of a volume")
case("Resize", [(1, 2, 2, 3, 2)], lambda x: F.interpolate(x, scale_factor=(1, 2, 2), mode="nearest"),
     {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, name="of a volume, nearest",
     constants=scales(1, 1, 1, 2, 2))
case("Resize", [(1, 1, 2, 3, 2)], lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False),
     {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}, name="trilinear", constants=scales(1, 1, 2, 2, 2))

out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "gradients.json"
out.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, separators=(",", ":")) + "\n")
print(len(cases), "cases,", out.stat().st_size, "bytes")
