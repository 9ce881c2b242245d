"""Training step, training and prediction in PyTorch, in the memory format that is the faster on this machine."""
import os
import time

import imageio.v3 as imageio
import numpy as np
import torch
import torch.nn.functional as F

from networks import UNet

torch.set_num_threads(len(os.sched_getaffinity(0)))
FORMATS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


def faster(make, names=FORMATS):
    """The way of `make(name)` whose second run is the shortest."""
    best = None
    for name in names:
        run = make(name)
        run()
        times = []
        for _ in range(2):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        if best is None or min(times) < best[0]:
            best = (min(times), name, run)
    return f"PyTorch {torch.__version__}, {best[1]}", best[2]


def training_step(model, x, target):
    optimizer = torch.optim.SGD(model.parameters(), 0.001, 0.9)

    def run():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        # Waits for it. What a task returns would be taken for its time.
        loss.item()

    return run


def step(net, base, size, batch):
    def make(name):
        torch.manual_seed(0)
        model = UNet(base, padding=1 if net == "unet" else 0).to(memory_format=FORMATS[name])
        x = torch.randn(batch, 1, size, size).to(memory_format=FORMATS[name])
        side = size if net == "unet" else size - 184
        target = torch.randint(0, 2, (batch, side, side))
        return training_step(model, x, target)

    return faster(make)


def places(length, tile, halo):
    """Where tiles begin: evenly over the length, in whole steps of 16, and each gives what lies `halo` within it."""
    step = (tile - 2 * halo) // 16 * 16
    gaps = -(-(length - tile) // step)
    return [i * ((length - tile) // 16) // gaps * 16 for i in range(gaps + 1)]


def tiled(model, image, tile, halo):
    """The picture in tiles that meet in the middle of their overlap."""
    starts = [places(length, tile, halo) for length in image.shape]
    ends = [[(a + b + tile) // 2 for a, b in zip(s, s[1:])] + [length] for s, length in zip(starts, image.shape)]
    out = np.empty(image.shape, np.float32)
    for r, (top, bottom) in enumerate(zip(starts[0], ends[0])):
        first = ends[0][r - 1] if r else 0
        for c, (left, right) in enumerate(zip(starts[1], ends[1])):
            begin = ends[1][c - 1] if c else 0
            part = image[top : top + tile, left : left + tile]
            p = torch.softmax(model(torch.from_numpy(np.ascontiguousarray(part))[None, None]), 1)[0, 1].numpy()
            out[first:bottom, begin:right] = p[first - top : bottom - top, begin - left : right - left]
    return out


def predict(image, folder, base, tile=576, halo=94):
    """The same tiles as ours; traced, frozen and optimised for their size beforehand."""

    def make(name):
        torch.manual_seed(0)
        model = UNet(base, up="nearest").eval().to(memory_format=FORMATS[name])
        size = min(tile, imageio.imread(image).shape[0])
        example = torch.zeros(1, 1, size, size).to(memory_format=FORMATS[name])
        with torch.inference_mode():
            frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(model, example)))

        def run():
            with torch.inference_mode():
                x = imageio.imread(image).astype(np.float32)
                x = (x - x.mean()) / x.std()
                if max(x.shape) <= tile:
                    p = torch.softmax(frozen(torch.from_numpy(x)[None, None].contiguous(memory_format=FORMATS[name])), 1)[0, 1].numpy()
                else:
                    p = tiled(frozen, x, tile, halo)
                imageio.imwrite(os.path.join(folder, "peer.png"), np.rint(255 * p).astype(np.uint8))

        return run

    return faster(make)


def train(data, steps, base, size):
    """Random patches, turned, flipped and bent, with the border weights of 2015, AdamW, clipped, averaged."""
    from scipy import ndimage

    def pages(kind):
        folder = os.path.join(data, kind)
        names = sorted(os.listdir(folder))
        return [imageio.imread(os.path.join(folder, name)) for name in names]

    images = [(i - i.mean()) / i.std() for i in (page.astype(np.float32) for page in pages("image"))]
    labels = [(page > 0).astype(np.uint8) for page in pages("label")]
    rng = np.random.default_rng(1)

    def weight_map(label):
        objects, count = ndimage.label(label)
        nearest = np.full((2, *label.shape), np.inf, np.float32)
        for i, box in enumerate(ndimage.find_objects(objects), 1):
            around = tuple(slice(max(0, s.start - 25), s.stop + 25) for s in box)
            d = ndimage.distance_transform_edt(objects[around] != i).astype(np.float32)
            first, second = nearest[(0, *around)], nearest[(1, *around)]
            nearest[(1, *around)] = np.minimum(second, np.maximum(first, d))
            nearest[(0, *around)] = np.minimum(first, d)
        border = 10 * np.exp(-np.minimum(nearest.sum(0), 1e3) ** 2 / 50)
        return 1 + np.where(label > 0, 0, border).astype(np.float32)

    def patch(page, weights):
        top, left = (rng.integers(0, side - size + 1) for side in images[page].shape)
        grid = rng.normal(0, 10, (2, 3, 3))
        bend = [ndimage.zoom(g, size / 3, order=3, grid_mode=True, mode="nearest") for g in grid]
        at = np.meshgrid(np.arange(size) + top, np.arange(size) + left, indexing="ij")
        where = np.array([at[0] + bend[0], at[1] + bend[1]])
        x = ndimage.map_coordinates(images[page], where, order=3, mode="mirror")
        t = ndimage.map_coordinates(labels[page], where, order=0, mode="mirror")
        w = ndimage.map_coordinates(weights[page], where, order=1, mode="mirror")
        turn, flip = rng.integers(4), rng.integers(2)
        return [np.ascontiguousarray(np.rot90(a[:, ::-1] if flip else a, turn)) for a in (x, t, w)]

    def run():
        torch.manual_seed(0)
        model = UNet(base, up="nearest").to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
        average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
        weights = [weight_map(label) for label in labels]
        for _ in range(steps):
            x, t, w = patch(rng.integers(len(images)), weights)
            logits = model(torch.from_numpy(x)[None, None].float().contiguous(memory_format=torch.channels_last))
            per_pixel = F.cross_entropy(logits, torch.from_numpy(t)[None].long(), reduction="none")
            loss = (per_pixel * torch.from_numpy(w)).sum() / w.sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.update_parameters(model)

    return f"PyTorch {torch.__version__}, channels-last, fused AdamW", run


TASKS = {"step": step, "predict": predict, "train": train}
