"""What SciPy and scikit-image make of random masks and images, 2D and 3D: test/objects/golden.test.ts.

Usage: python scripts/golden/objects.py > test/golden/objects.json

Arrays are {"shape": [...], "data": [...]}. Images for watershed and h-maxima hold every value once, but for "plateaus",
where only the seeds lie at different values (scikit-image leaves the order of equal seeds open).
"""

import json

import numpy as np
import scipy
import skimage
from scipy import ndimage
from skimage import filters, measure, morphology, segmentation

rng = np.random.default_rng(5)


def array(values):
    values = np.asarray(values)
    if values.dtype == bool:
        values = values.astype(int)
    return {"shape": list(values.shape), "data": values.ravel().tolist()}


def smooth(shape, sigma):
    return ndimage.gaussian_filter(rng.standard_normal(shape), sigma)


def ranks(values):
    """Every value once: 0..n-1 in the order of the values."""
    result = np.empty(values.size, int)
    result[np.argsort(values, axis=None, kind="stable")] = np.arange(values.size)
    return result.reshape(values.shape)


def seeds(shape, count, mask):
    result = np.zeros(shape, int)
    for label, at in enumerate(rng.choice(np.flatnonzero(mask), count, replace=False), 1):
        result.ravel()[at] = label
    return result


def case(shape, spacing):
    full = len(shape)
    mask = smooth(shape, 1.2) > 0.02
    speckled = rng.random(shape) > 0.45
    image = ranks(smooth(shape, 1.5))
    markers = seeds(shape, 9, mask)
    plateaus = -np.minimum(6, np.round(ndimage.distance_transform_edt(mask))).astype(int)
    # One seed a value, so that no two have the same.
    values = np.unique(plateaus[mask])
    few = np.zeros(shape, int)
    for label, value in enumerate(values, 1):
        few.ravel()[rng.choice(np.flatnonzero((plateaus == value) & mask))] = label
    objects = measure.label(mask, connectivity=1)
    # Labels with gaps, some of them gone.
    gapped = np.where(objects % 3 == 1, 0, 5 * objects)
    rings = ndimage.binary_dilation(speckled, iterations=1) & (rng.random(shape) > 0.15)
    result = {
        "mask": array(mask),
        "speckled": array(speckled),
        "spacing": spacing,
        "labels": {"faces": array(measure.label(speckled, connectivity=1)), "corners": array(measure.label(speckled, connectivity=full))},
        "distance": array(ndimage.distance_transform_edt(mask)),
        "distanceSpaced": array(ndimage.distance_transform_edt(mask, sampling=spacing)),
        "image": array(image),
        "seeds": array(markers),
        "watershed": {
            "faces": array(segmentation.watershed(image, markers)),
            "corners": array(segmentation.watershed(image, markers, connectivity=full)),
            "masked": array(segmentation.watershed(image, markers, mask=mask)),
            "maskedCorners": array(segmentation.watershed(image, markers, mask=mask, connectivity=full)),
        },
        "plateaus": array(plateaus),
        "plateauSeeds": array(few),
        "plateauWatershed": {
            "faces": array(segmentation.watershed(plateaus, few)),
            "masked": array(segmentation.watershed(plateaus, few, mask=mask, connectivity=full)),
        },
        "hMaxima": {str(h): array(morphology.h_maxima(image, h)) for h in (5, 60, 200)},
        "rings": array(rings),
        "filled": array(ndimage.binary_fill_holes(rings)),
        "filledCorners": array(ndimage.binary_fill_holes(rings, structure=np.ones([3] * full))),
        "objects": array(objects),
        "gapped": array(gapped),
        "relabelled": array(segmentation.relabel_sequential(gapped)[0]),
        "above": array(image > 100),
        "large": array(morphology.remove_small_objects(objects, max_size=7)),
        "inner": array(segmentation.clear_border(objects)),
    }
    return result


def otsu():
    mixture = np.concatenate([rng.normal(-700, 80, 400), rng.normal(20, 60, 250)])
    cases = [
        ("uint8", rng.integers(0, 256, 200)),
        ("int16", np.round(mixture).astype(int)),
        ("float64", np.round(mixture / 1000, 4)),
        ("float64", np.round(rng.random(300), 3)),
    ]
    return [{"dtype": d, "values": v.tolist(), "threshold": float(filters.threshold_otsu(v.astype(d)))} for d, v in cases]


print(
    json.dumps(
        {
            "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-image": skimage.__version__},
            "cases": [case((29, 34), [0.5, 1.25]), case((7, 13, 11), [2.5, 0.7, 1])],
            "otsu": otsu(),
        },
        separators=(",", ":"),
    )
)
