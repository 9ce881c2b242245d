"""A small U-Net with batch normalisation as PyTorch exports it, with the loss and gradients of one step by PyTorch, for
test/models/onnx.test.ts.

Run: python scripts/golden/train_on.py   (writes test/golden/train-on.onnx and test/golden/train_on.json)
Needs torch and onnx. `fixed`: batch normalisation by running statistics; `train`: by the batch.
"""
import json
import pathlib

import onnx
import torch
import torch.nn.functional as F
from torch import nn

out = pathlib.Path(__file__).parents[2] / "test" / "golden"


class Block(nn.Sequential):
    def __init__(self, inputs, outputs):
        super().__init__(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class SmallUnet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = Block(1, 4), Block(4, 8)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.merge = Block(8, 4)
        self.head = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        return self.logits(x).softmax(1)

    def logits(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        return self.head(self.merge(torch.cat([a, self.up(b)], 1)))


def numbers(t):
    return {"shape": list(t.shape), "data": [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]}


torch.manual_seed(3)
model = SmallUnet()
with torch.no_grad():
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.uniform_(-0.2, 0.2)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    # Equal tensors, which the exporter stores once.
    model.merge[1].weight.fill_(1)
    model.down1[1].weight.fill_(1)
    model.merge[1].bias.zero_()
    model.down1[1].bias.zero_()
    model.up.bias.zero_()
model.eval()
x = torch.rand(2, 1, 8, 12).round(decimals=3)
labels = (torch.rand(2, 8, 12) < 0.4).long()
weights = torch.rand(2, 8, 12).round(decimals=3)
path = out / "train-on.onnx"
torch.onnx.export(
    model,
    (x,),
    str(path),
    input_names=["x"],
    output_names=["y"],
    dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}, "y": {0: "n", 2: "h", 3: "w"}},
    opset_version=17,
    # Otherwise batch normalisation is merged into the convolutions.
    training=torch.onnx.TrainingMode.PRESERVE,
    do_constant_folding=False,
    dynamo=False,
)
proto = onnx.load(path)
del proto.graph.value_info[:]
for node in proto.graph.node:
    node.doc_string = ""
onnx.save(proto, path)
print(path.stat().st_size, [n.op_type for n in proto.graph.node], [t.name for t in proto.graph.initializer])
expected = {
    "torch": torch.__version__,
    "x": numbers(x),
    "y": numbers(model(x)),
    "labels": labels.flatten().tolist(),
    "weights": numbers(weights),
}
for mode in ["fixed", "train"]:
    step = SmallUnet()
    step.load_state_dict(model.state_dict())
    step.train(mode == "train")
    per_pixel = F.cross_entropy(step.logits(x), labels, reduction="none")
    loss = (per_pixel * weights).sum() / weights.sum()
    loss.backward()
    expected[mode] = {
        "loss": loss.item(),
        "gradients": {name: numbers(p.grad) for name, p in step.named_parameters()},
        "statistics": {name: numbers(b) for name, b in step.named_buffers() if "running" in name},
    }
(out / "train_on.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
