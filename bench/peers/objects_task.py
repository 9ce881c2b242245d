"""Objects, scores, bending and reading with SciPy, scikit-image, tifffile and imageio."""
import os

import imageio.v3 as imageio
import numpy as np
import scipy
import skimage
import tifffile
from scipy import ndimage
from skimage import measure, metrics, segmentation

VERSIONS = f"SciPy {scipy.__version__}, scikit-image {skimage.__version__}"


def raw(folder, name, dtype, side):
    return np.fromfile(os.path.join(folder, f"{name}.raw"), dtype).reshape(side, side)


def objects(what, folder, side):
    mask, image, seeds = (raw(folder, n, d, side) for n, d in (("mask", np.uint8), ("image", np.float32), ("seeds", np.int32)))
    out = np.zeros((side, side), np.int32)
    return VERSIONS, {
        "label": lambda: ndimage.label(mask),
        "labelInto": lambda: ndimage.label(mask, output=out),
        "distance": lambda: ndimage.distance_transform_edt(mask),
        "watershed": lambda: segmentation.watershed(image, seeds),
    }[what]


def scores(what, folder, side):
    truth, probability = raw(folder, "truth", np.uint8, side), raw(folder, "probability", np.float32, side)
    mask = probability > 0.5
    inverted = (~mask).astype(np.uint8)

    def pixel():
        shared = np.count_nonzero(mask & (truth > 0))
        return 2 * shared / (np.count_nonzero(mask) + np.count_nonzero(truth))

    def labels():
        return measure.label(truth, connectivity=1), measure.label(mask, connectivity=1)

    return VERSIONS, {
        "pixel": pixel,
        "rand": lambda: metrics.adapted_rand_error(*labels()),
        "information": lambda: metrics.variation_of_information(*labels()),
        "thinning": lambda: segmentation.watershed(inverted, connectivity=1, watershed_line=True),
    }[what]


def elastic(side):
    rng = np.random.default_rng(1)
    image = rng.standard_normal((side, side)).astype(np.float32)
    label = (image > 0).astype(np.uint8)
    rows, columns = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32), indexing="ij")

    def run():
        bend = [ndimage.zoom(g, side / 3, order=3, grid_mode=True, mode="nearest") for g in rng.normal(0, 10, (2, 3, 3))]
        where = np.array([rows + bend[0], columns + bend[1]])
        ndimage.map_coordinates(image, where, order=3, mode="mirror", prefilter=False)
        ndimage.map_coordinates(label, where, order=0, mode="mirror")

    return VERSIONS, run


def read(folder):
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]

    def run():
        for file in files:
            tifffile.imread(file) if file.endswith(".tif") else imageio.imread(file)

    return f"tifffile {tifffile.__version__}, imageio", run


TASKS = {"objects": objects, "scores": scores, "elastic": elastic, "read": read}
