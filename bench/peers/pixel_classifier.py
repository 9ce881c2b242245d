"""A random forest on the features of a pixel classifier, for scripts/quick-study.mjs.

Reads one JSON line per case: {"images": [...], "strokes": [...], "apply": [...], "out": [...], "seed": 0}; images are
.npy float32 [height, width], strokes .npy uint8 with 255 where nothing is painted. Writes the class of every pixel of
`apply` to `out` and answers with a JSON line of seconds.

Features of ilastik's pixel classification (Berg et al. 2019) at the same scales as the filter bank: Gaussian, Laplacian
of Gaussian, gradient magnitude, difference of Gaussians, eigenvalues of the Hessian at each scale, of the structure
tensor at the first four. 100 trees, as ilastik has.
"""

import json
import sys
import time
import warnings

import numpy as np
from scipy import ndimage as ndi
from sklearn.ensemble import RandomForestClassifier

# scikit-learn warns of its own use of joblib, once per thread and tree.
warnings.simplefilter("ignore")

SIGMAS = [0.7, 1.6, 3.5, 5, 10]


def eigenvalues(a, b, d):
    mean = (a + d) / 2
    root = np.sqrt(((a - d) / 2) ** 2 + b**2)
    return [mean + root, mean - root]


def features(image):
    maps = []
    for i, sigma in enumerate(SIGMAS):
        def gaussian(order, sigma=sigma):
            return ndi.gaussian_filter(image, sigma, order=order, mode="reflect")

        smooth = gaussian(0)
        dy, dx = gaussian((1, 0)), gaussian((0, 1))
        dyy, dxy, dxx = gaussian((2, 0)), gaussian((1, 1)), gaussian((0, 2))
        maps += [smooth, dxx + dyy, np.hypot(dx, dy)]
        maps.append(smooth - ndi.gaussian_filter(image, 0.66 * sigma, mode="reflect"))
        maps += eigenvalues(dxx, dxy, dyy)
        if i < 4:
            tensor = [ndi.gaussian_filter(p, 0.5 * sigma, mode="reflect") for p in (dx * dx, dx * dy, dy * dy)]
            maps += eigenvalues(*tensor)
    return np.stack(maps, axis=-1)


def fitted(maps, labels, seed):
    forest = RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=-1)
    return forest.fit(maps, labels)


def applied(forest, maps):
    return forest.predict(maps.reshape(-1, maps.shape[-1])).reshape(maps.shape[:2]).astype(np.uint8)


def preview(image, strokes, seed):
    """The class of every pixel of an image, of which some are painted (255: not)."""
    maps = features(image)
    known = strokes != 255
    return applied(fitted(maps[known], strokes[known], seed), maps)


def main():
    for line in sys.stdin:
        case = json.loads(line)
        began = time.perf_counter()
        described, known = [], []
        for image, strokes in zip(case["images"], case["strokes"]):
            labels = np.load(strokes)
            described.append(features(np.load(image))[labels != 255])
            known.append(labels[labels != 255])
        forest = fitted(np.concatenate(described), np.concatenate(known), case["seed"])
        for image, out in zip(case["apply"], case["out"]):
            np.save(out, applied(forest, features(np.load(image))))
        print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)


if __name__ == "__main__":
    main()
