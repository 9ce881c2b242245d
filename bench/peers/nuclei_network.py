"""Trains a U-Net in PyTorch on a folder of images and objects, and exports it as PyTorch does by default.

    python bench/peers/nuclei_network.py FOLDER unet.onnx [--minutes 10] [--base 16] [--seed 0]

FOLDER has `images` and `labels` of 8 bits and one channel, as scripts/fine-tune-study.mjs writes them. Two classes:
background and nuclei. Values are divided by 255. Needs torch, onnx, onnxscript, tifffile and numpy.
"""
import argparse
import time
from pathlib import Path

import numpy as np
import tifffile
import torch
import torch.nn.functional as F

from networks import UNet

SIDE = 192
BATCH = 4


def patches(pages, random):
    """Windows of SIDE pixels, mirrored and turned; smaller images are mirrored at their edges."""
    images, labels = [], []
    for index in random.integers(len(pages), size=BATCH):
        image, label = pages[index]
        y, x = (random.integers(side - SIDE + 1) for side in image.shape)
        turns, is_mirrored = random.integers(4), random.integers(2)
        for values, into in ((image, images), (label, labels)):
            values = np.rot90(values[y : y + SIDE, x : x + SIDE], turns)
            into.append(np.ascontiguousarray(values[:, ::-1] if is_mirrored else values))
    return torch.from_numpy(np.stack(images))[:, None], torch.from_numpy(np.stack(labels))


def read(folder):
    for path in sorted(Path(folder, "images").iterdir()):
        image = tifffile.imread(path).astype(np.float32) / 255
        label = (tifffile.imread(Path(folder, "labels", path.name)) > 0).astype(np.int64)
        frame = [(0, max(0, SIDE - side)) for side in image.shape]
        yield np.pad(image, frame, "symmetric"), np.pad(label, frame, "symmetric")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--base", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    pages = list(read(options.folder))
    model = UNet(options.base).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    start, step = time.perf_counter(), 0
    while (share := (time.perf_counter() - start) / (60 * options.minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - share) ** 0.9
        images, labels = patches(pages, random)
        loss = F.cross_entropy(model(images.to(memory_format=torch.channels_last)), labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    model.eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 1, 256, 256),),
        options.out,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes={"x": {2: torch.export.Dim("height"), 3: torch.export.Dim("width")}},
    )
    print(f"{step} steps on {len(pages)} images; {options.out}")


main()
