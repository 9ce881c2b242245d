#!/bin/sh
# StarDist measures how far two polygons overlap after cutting their corners to whole pixels, towards the image's origin.
#
# Expected: suppression with threshold 0.5 drops the less probable of two polygons if they share more than half of the smaller
#   one's area, and keeps both otherwise, wherever in the image they lie. Distances are fractions of pixels, and so are the
#   polygons that StarDist gives back.
# What happens: the fraction after the point of each corner is dropped before areas are taken. Two rounds of radius 3.3 that share
#   47.0 % count as 51.4 % and one goes; two of radius 7 that share 52.1 % count as 49.6 % and both stay. Corners left of or
#   above the image are cut the other way, so two of radius 3.5 that share 47.0 % both stay in the middle (43.2 %), but one goes in
#   the image's first corner (51.6 %).
# Versions: stardist 0.9.2, numpy 2.0.2, shapely 2.1.2 (for the exact areas), Python 3.11.
# For image processing: with cells of a few pixels' radius, two results of the same maps may differ by this alone; enlarge images
#   with small cells, and take no threshold for exact to better than a few hundredths.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps stardist==0.9.2 csbdeep==0.8.2 numpy==2.0.2 scipy==1.17.1 scikit-image==0.26.0 lazy-loader==0.6 numba==0.68.1 llvmlite==0.50.0 packaging==26.4 six==1.17.0 tqdm==4.70.1 shapely==2.1.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
import numpy as np
from shapely import Polygon
from stardist.geometry import dist_to_coord
from stardist.nms import non_maximum_suppression_inds

rays, threshold = 32, 0.5


def kept(points, distances, at):
    return int(np.sum(non_maximum_suppression_inds(distances, points, scores=np.array([0.9, 0.8]), thresh=at, verbose=0)))


def counted(points, distances):
    """The share that StarDist sees: the lowest threshold at which it keeps both."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if kept(points, distances, middle) == 2 else (middle, high)
    return high


def exact(points, distances):
    """The share of the polygons that StarDist gives back."""
    a, b = (Polygon(corners.T) for corners in dist_to_coord(distances, points))
    return a.intersection(b).area / min(a.area, b.area)


ok = True
for what, radius, first, step, stay in [
    ("in the middle", 3.3, (50, 50), (2, 2), 1),
    ("in the middle", 7.0, (50, 50), (5, -2), 2),
    ("in the middle", 3.5, (50, 50), (0, 3), 2),
    ("in the corner", 3.5, (3, 3), (0, 3), 1),
]:
    points = np.array([first, np.add(first, step)])
    distances = np.full((2, rays), radius, np.float32)
    share, seen, got = exact(points, distances), counted(points, distances), kept(points, distances, threshold)
    print(f"radius {radius}, {what}: share {share:.3f}, StarDist counts {seen:.3f} and keeps {got} of 2 at {threshold}")
    ok = ok and got == stay and (seen > threshold) == (got == 1) and abs(share - seen) > 0.02
sys.exit(0 if ok else 1)
PYTHON
