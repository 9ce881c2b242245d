"""Interpolation, blur and separation weights by SciPy, for test/augment/golden.test.ts.

Run: python scripts/golden/resample.py > test/golden/resample.json (NumPy, SciPy)
"""

import json
import math

import numpy as np
import scipy
from scipy import ndimage

rng = np.random.default_rng(0)
height, width = 19, 24
image = rng.normal(size=(height, width)).astype(np.float32)
coordinates = np.stack([rng.uniform(-30, 45, 300), rng.uniform(-30, 45, 300)]).astype(np.float32)
bilinear = ndimage.map_coordinates(image, coordinates, order=1, mode="reflect")

blurs = [
    {"sigma": sigma, "values": ndimage.gaussian_filter(image, sigma, mode="reflect", radius=math.ceil(3 * sigma)).ravel().tolist()}
    for sigma in (0.5, 1.0, 2.3)
]

# Blobs of several sizes, some touching nothing, some close to each other.
field = ndimage.gaussian_filter(rng.normal(size=(64, 72)), 2.5)
instances, count = ndimage.label(field > 0.08)
distances = np.sort(
    np.stack([ndimage.distance_transform_edt(instances != i) for i in range(1, count + 1)]), axis=0
)
weights = np.where(instances == 0, 10 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 5.0**2)), 0)

print(
    json.dumps(
        {
            "scipy": scipy.__version__,
            "height": height,
            "width": width,
            "image": [round(float(v), 6) for v in image.ravel()],
            "y": [float(v) for v in coordinates[0]],
            "x": [float(v) for v in coordinates[1]],
            "bilinear": [round(float(v), 6) for v in bilinear],
            "blurs": [{"sigma": b["sigma"], "values": [round(v, 6) for v in b["values"]]} for b in blurs],
            "instances": instances.ravel().tolist(),
            "weights": [round(float(v), 5) for v in weights.ravel()],
            "instancesShape": list(instances.shape),
        }
    )
)
