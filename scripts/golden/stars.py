"""What StarDist makes of label maps, and of maps of stars: test/objects/stars.test.ts.

Usage: python scripts/golden/stars.py > test/golden/stars.json

Arrays are {"shape": [...], "data": [...]}; distances are [rays, h, w]. Predicted maps are made from the labels by
`predicted`, in the test as well.
"""

import importlib.metadata
import json

import numpy as np
from shapely import Polygon, STRtree, make_valid
from skimage import segmentation
from stardist.geometry import polygons_to_label, star_dist
from stardist.nms import non_maximum_suppression
from stardist.utils import edt_prob

rng = np.random.default_rng(7)


def array(values):
    values = np.asarray(values)
    data = values.ravel().tolist()
    if values.dtype == np.float32:
        data = [float(f"{v:.9g}") for v in data]
    return {"shape": list(values.shape), "data": data}


def nuclei(shape, count, radius):
    """Ellipses, some of which touch or are cut by the border of the image."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    labels = np.zeros(shape, int)
    for label in range(1, count + 1):
        a, b = rng.uniform(0.6, 1.2, 2) * radius
        cy, cx, turn = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        inside = (u / a) ** 2 + (v / b) ** 2 < 1
        # The bigger part of what has been overlapped stays one object.
        if (labels[inside] > 0).mean() < 0.3:
            labels[inside & (labels == 0)] = label
    return segmentation.relabel_sequential(labels)[0]


def noise(count):
    """0..1, as from a multiplicative hash of 0, 1, 2 ..."""
    return (np.arange(count, dtype=np.uint64) * 2654435761 % 2**32) / 2**32


def predicted(labels, rays, grid, spread):
    """Distances and a probability as a network might predict them: no two pixels are equally probable."""
    distances = np.moveaxis(star_dist(labels, rays, grid=(grid, grid)), -1, 0)
    distances = distances * (1 + spread * (noise(distances.size).reshape(distances.shape) - 0.5))
    probability = edt_prob(labels)[::grid, ::grid]
    probability = 0.98 * probability.astype(float) + 0.02 * noise(probability.size).reshape(probability.shape)
    return distances.astype(np.float32), probability.astype(np.float32)


def exactly(distances, probability, grid, prob_thresh, nms_thresh):
    """As StarDist's suppression of polygons with corners at whole pixels, but by their exact areas.

    The library by which it intersects polygons rounds the corners of what they share to whole pixels.
    """
    mask = np.zeros(probability.shape, bool)
    mask[2:-2, 2:-2] = probability[2:-2, 2:-2] > prob_thresh
    order = np.argsort(-probability[mask], kind="stable")
    points, scores, dist = np.argwhere(mask)[order] * grid, probability[mask][order], distances[mask][order]
    angles = 2 * np.pi / dist.shape[1] * np.arange(dist.shape[1])
    columns = np.trunc((points[:, 1:] + dist * np.cos(angles)).astype(np.float32))
    rows = np.trunc((points[:, :1] + dist * np.sin(angles)).astype(np.float32))
    polygons = [Polygon(np.stack(corners, 1)) for corners in zip(columns, rows)]
    polygons = [polygon if polygon.is_valid else make_valid(polygon) for polygon in polygons]
    tree = STRtree(polygons)
    stays = np.ones(len(polygons), bool)
    for i, polygon in enumerate(polygons):
        for j in tree.query(polygon) if stays[i] else []:
            if j > i and stays[j] and polygon.intersection(polygons[j]).area > nms_thresh * min(polygon.area, polygons[j].area):
                stays[j] = False
    return points[stays], scores[stays], dist[stays]


def decoded(labels, distances, probability, grid, prob_thresh, nms_thresh, is_exact=False):
    distances = np.ascontiguousarray(np.moveaxis(distances, 0, -1))
    if is_exact:
        points, scores, dist = exactly(distances, probability, grid, prob_thresh, nms_thresh)
    else:
        points, scores, dist = non_maximum_suppression(distances, probability, grid=(grid, grid), prob_thresh=prob_thresh, nms_thresh=nms_thresh)
    found = polygons_to_label(dist, points, shape=labels.shape, prob=scores)
    # Those that others do not hide.
    return {"points": points[np.unique(found[found > 0]) - 1].tolist(), "labels": array(segmentation.relabel_sequential(found)[0])}


def target(labels, rays, grid):
    dist = np.moveaxis(star_dist(labels, rays, grid=(grid, grid)), -1, 0)
    return {"labels": array(labels), "rays": rays, "grid": grid, "distances": array(dist), "probability": array(edt_prob(labels))}


small = nuclei((20, 26), 6, 5)
# A ring, whose hole ends the rays, and values with gaps.
ring = np.zeros((15, 15), int)
ring[2:13, 3:14] = 40
ring[6:9, 7:10] = 0
ring[12:, :4] = 7
targets = [target(small, 32, 1), target(small, 7, 2), target(ring, 8, 1), target(np.full((5, 6), 3), 5, 1)]

large = nuclei((110, 120), 60, 9)
decodings = []
cases = [(1, 0.15, 0.5, 0.4, False), (1, 0.5, 0.3, 0.2, False), (2, 0.3, 0.5, 0.3, False), (1, 0.5, 0.1, 0.8, True)]
for grid, spread, prob, nms, is_exact in cases:
    distances, probability = predicted(large, 32, grid, spread)
    found = decoded(large, distances, probability, grid, prob, nms, is_exact)
    decodings.append({"by": "exact areas" if is_exact else "StarDist", "grid": grid, "spread": spread, "threshold": prob, "overlap": nms, **found})
# As the formula gives them, with equally probable pixels.
plain = decoded(large, np.moveaxis(star_dist(large, 32), -1, 0), edt_prob(large), 1, 0.5, 0.4)

print(
    json.dumps(
        {
            "versions": {name: importlib.metadata.version(name) for name in ("stardist", "numpy", "scikit-image", "shapely")},
            "targets": targets,
            "labels": array(large),
            "decodings": decodings,
            "plain": plain,
        },
        separators=(",", ":"),
    )
)
