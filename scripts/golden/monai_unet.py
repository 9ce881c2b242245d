"""MONAI's U-Net as PyTorch's default exporter writes it, as docs/exchange.md shows, without its weights: these lie in a file
beside it, which test/docs/exchange-walks.ts draws.

Run: python scripts/golden/monai_unet.py   (writes test/golden/monai-unet.onnx)
Needs torch, onnxscript and monai 1.6.1.
"""
import pathlib
import shutil
import tempfile

import torch
from monai.networks.nets import UNet

out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "monai-unet.onnx"
net = UNet(2, 1, 2, channels=(16, 32, 64), strides=(2, 2), num_res_units=2)
sides = torch.export.Dim.DYNAMIC
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "monai.onnx"
    torch.onnx.export(net.eval(), (torch.zeros(1, 1, 64, 64),), str(file), dynamic_shapes=({2: sides, 3: sides},))
    shutil.copy(file, out)
    print(out, out.stat().st_size, "weights:", file.with_suffix(".onnx.data").stat().st_size)
