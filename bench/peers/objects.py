"""The operations of bench/objects.ts in SciPy and scikit-image, on the same input, which it leaves in the folder:
python bench/peers/objects.py FOLDER [side]"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage import filters, measure, morphology, segmentation

folder = Path(sys.argv[1])
side = int(sys.argv[2]) if len(sys.argv) > 2 else 2048
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(1)
image = ndimage.gaussian_filter(rng.standard_normal((side, side)), 6).astype(np.float32)
mask = (image > 0).astype(np.uint8)
speckled = (rng.random((side, side)) > 0.5).astype(np.uint8)
seeds = np.zeros((side, side), np.int32)
seeds.ravel()[rng.choice(side * side, side, replace=False)] = np.arange(1, side + 1)
labels = measure.label(mask, connectivity=1).astype(np.int32)
for name, values in {"image": image, "mask": mask, "speckled": speckled, "seeds": seeds, "labels": labels}.items():
    values.tofile(folder / f"{name}.raw")


def border_cleared():
    return segmentation.clear_border(morphology.remove_small_objects(labels, max_size=49))


jobs = {
    "label, blobs": [lambda: measure.label(mask, connectivity=1), lambda: ndimage.label(mask)],
    "label, noise": [lambda: measure.label(speckled, connectivity=1), lambda: ndimage.label(speckled)],
    "label by corners, noise": [lambda: measure.label(speckled, connectivity=2), lambda: ndimage.label(speckled, np.ones((3, 3)))],
    "distance transform": [lambda: ndimage.distance_transform_edt(mask)],
    "distance transform, spacing": [lambda: ndimage.distance_transform_edt(mask, sampling=[0.5, 1.25])],
    "watershed": [lambda: segmentation.watershed(image, seeds)],
    "watershed, masked": [lambda: segmentation.watershed(image, seeds, mask=mask)],
    "fill holes": [lambda: ndimage.binary_fill_holes(mask)],
    "Otsu": [lambda: filters.threshold_otsu(image)],
    "filter by size and border": [border_cleared],
    "h-maxima": [lambda: morphology.h_maxima(image, 0.02)],
}
times = {}
for name, ways in jobs.items():
    best = float("inf")
    for way in ways:
        for _ in range(1 if name == "h-maxima" else 3):
            start = time.perf_counter()
            way()
            best = min(best, time.perf_counter() - start)
    times[name] = round(best * 1000, 1)
print(f"scipy {scipy.__version__}, scikit-image {skimage.__version__}, {side}x{side}, ms, best of 3")
for name, ms in times.items():
    print(f"{name:30} {ms:8.1f}")
(folder / "peer.json").write_text(json.dumps({"side": side, "times": times}))
