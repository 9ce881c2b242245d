"""What scikit-image's regionprops measures of random objects, 2D and 3D: test/measure/golden.test.ts.

Usage: python scripts/golden/measure.py > test/golden/measure.json

Objects are random blobs that touch, with gaps among the labels, one object of one pixel, one in two pieces, one line.
"""

import json
import warnings

import numpy as np
import scipy
import skimage
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage import measure, segmentation

warnings.simplefilter("ignore")
rng = np.random.default_rng(11)


def blobs(shape, count, sigma):
    seeds = np.zeros(shape, int)
    seeds.ravel()[rng.choice(seeds.size, count, replace=False)] = rng.permutation(count * 3)[:count] + 1
    height = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    labels = segmentation.watershed(height, seeds, mask=height < np.quantile(height, 0.7))
    # Objects with holes.
    labels[rng.random(shape) < 0.04] = 0
    return labels


def neighbours(labels):
    pairs = set()
    for offset in np.ndindex(*(3,) * labels.ndim):
        shift = np.array(offset) - 1
        here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(shift, labels.shape))
        there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(shift, labels.shape))
        a, b = labels[here].ravel(), labels[there].ravel()
        met = (a != b) & (a > 0) & (b > 0)
        pairs |= set(zip(a[met].tolist(), b[met].tolist()))
    return [sum(1 for a, _ in pairs if a == label) for label in np.unique(labels[labels > 0])]


def feret_max(region):
    """None where scikit-image finds no hull: of thin objects in 3D."""
    try:
        return float(region.feret_diameter_max)
    except ValueError:
        return None


def solidity(region):
    return None if not region.image_convex.any() else float(region.solidity)


def case(labels, spacing):
    flat = labels.ndim == 2
    image = np.round(rng.normal(100, 30, labels.shape), 2)
    props = measure.regionprops(labels, image, spacing=spacing)
    plain = measure.regionprops(labels)
    column = lambda get, of=props: [float(get(p)) for p in of]
    centroids = np.array([p.centroid for p in props])
    values = {
        "label": [p.label for p in props],
        "pixels_px": [int(p.num_pixels) for p in props],
        "size": column(lambda p: p.area),
        "equivalent_diameter": column(lambda p: p.equivalent_diameter_area),
        "major_axis": column(lambda p: p.axis_major_length),
        "minor_axis": column(lambda p: p.axis_minor_length),
        "solidity": [solidity(p) for p in props],
        "feret_max": [feret_max(p) for p in props],
        "euler_number": [int(p.euler_number) for p in props],
        "neighbours": neighbours(labels),
        "nearest_distance": cKDTree(centroids).query(centroids, 2)[0][:, 1].tolist(),
        "intensity_mean": column(lambda p: p.intensity_mean),
        "intensity_sd": column(lambda p: p.intensity_std),
        "intensity_min": column(lambda p: p.intensity_min),
        "intensity_max": column(lambda p: p.intensity_max),
        "intensity_sum": column(lambda p: image[labels == p.label].sum()),
    }
    for q in (5, 25, 50, 75, 95):
        values[f"intensity_p{q:02}"] = column(lambda p: np.percentile(image[labels == p.label], q))
    if flat:
        values["orientation"] = column(lambda p: np.degrees(p.orientation))
        values["eccentricity"] = column(lambda p: p.eccentricity)
        values["perimeter_of_square_pixels"] = column(lambda p: p.perimeter_crofton, plain)
    return {
        "shape": list(labels.shape), "spacing": spacing, "labels": labels.ravel().tolist(), "image": image.ravel().tolist(), "expected": values, "centroid": centroids.tolist(), "box": [list(p.bbox) for p in props]}


flat = blobs((44, 52), 26, 2)
flat[0, 3] = 200
flat[20:24, 20:30] = 0
flat[21, 21:28] = 201
flat[23, 22] = flat[23, 27] = 202
solid = blobs((12, 16, 15), 16, 1.5)
solid[5, 5, 3:9] = 200
solid[0, 0, 0] = 201

print(
    json.dumps(
        {
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__},
            "cases": [case(flat, [1, 1]), case(flat, [0.5, 0.8]), case(solid, [1, 1, 1]), case(solid, [2.5, 0.7, 0.9])],
        },
        separators=(",", ":"),
    )
)
