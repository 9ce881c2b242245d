"""Pixels that shapely finds inside of polygons, and Cellpose's `_seg.npy` as NumPy writes it.

Usage: python scripts/golden/shapes.py > test/golden/shapes.json
(shapely, numpy, roifile; `versions` in the file.)

`runs` are row, first column and column after the last of the pixel centres (x + 0.5, y + 0.5) that `contains` finds. The
dictionary of Cellpose 3 and 4 is written as its `io.masks_flows_to_seg` does: np.save of a dict.
"""
import base64
import io
import json
import pickle

import numpy as np
import roifile
import shapely
from shapely.geometry import mapping

SIZE = 40
random = np.random.default_rng(3)
centres = shapely.points(*np.meshgrid(np.arange(SIZE) + 0.5, np.arange(SIZE) + 0.5))


def runs(mask):
    found = []
    for y in range(mask.shape[0]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[y].astype(int), [0]])))
        for start, end in edges.reshape(-1, 2):
            found += [y, int(start), int(end)]
    return found


def case(name, geometry):
    assert geometry.is_valid, name
    shapely.prepare(geometry)
    return {"name": name, "geometry": mapping(geometry), "runs": runs(shapely.contains(geometry, centres))}


def star(step, middle, corners, low=2.0, high=18.0):
    """A polygon that does not cross itself, with corners on multiples of a step."""
    angles = np.sort(random.random(corners)) * 2 * np.pi
    radii = low + random.random(corners) * (high - low)
    points = np.stack([middle[0] + radii * np.cos(angles), middle[1] + radii * np.sin(angles)], 1)
    return shapely.Polygon(np.round(points / step) * step)


shapes = []
for step in (1, 0.5, 0.25, 1 / 256):
    while sum(name.startswith(f"step {step} ") for name, _ in shapes) < 8:
        polygon = star(step, (20, 20), int(random.integers(3, 24)))
        if polygon.is_valid and polygon.area > 0:
            shapes.append((f"step {step} {len(shapes)}", polygon))
shapes.append(("centres on the line", shapely.Polygon([(2.5, 2.5), (12.5, 2.5), (12.5, 12.5), (2.5, 12.5)])))
shapes.append(("a diagonal through centres", shapely.Polygon([(0.5, 0.5), (30.5, 0.5), (0.5, 30.5)])))
shapes.append(("a slope of a third through centres", shapely.Polygon([(0.5, 0.5), (30.5, 10.5), (3.5, 30.5)])))
shapes.append(("tips at centres", shapely.Polygon([(10.5, 2.5), (20, 10.5), (10.5, 20.5), (3, 10.5)])))
ring = star(0.5, (20, 20), 16, 12, 19)
shapes.append(("with holes", ring - shapely.box(15.5, 15.5, 19.5, 24.5) - shapely.box(22, 18, 24, 24)))
shapes.append(("a hole that touches the line", shapely.box(4, 4, 20, 20) - shapely.Polygon([(4, 10), (9, 7), (9, 13)])))
shapes.append(("several", shapely.MultiPolygon([shapely.box(1, 1, 9, 6), shapely.box(12.25, 3.5, 20.5, 30.5) - shapely.box(14, 8, 17, 12)])))
shapes.append(("over the edge", shapely.box(-5.5, 30.5, 12.25, 52)))

masks = np.zeros((6, 8), np.uint16)
masks[1:3, 1:4] = 1
masks[2:5, 5:8] = 300
outlines = masks * (masks != np.roll(masks, 1, 0))
volume = np.zeros((3, 4, 5), np.uint32)
volume[1, 1:3, 1:4] = 70_000


def seg(masks, **more):
    """As Cellpose's io.masks_flows_to_seg and its GUI fill it."""
    return {
        "outlines": outlines, "masks": masks, "chan_choose": [0, 0], "ismanual": np.zeros(2, bool), "filename": "/data/a.tif",
        "flows": [np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.float32), np.zeros((2, 6, 8), np.float16), None],
        "est_diam": np.float64(30.0), "diameter": np.float32(17.5), "colors": np.ones((2, 3), np.uint8), "zdraw": [None, 3],
        "manual_changes": [["2024-01-01 12:00:00", "added mask", [(1, 2)]]], "model_path": 0, "flow_threshold": 0.4,
        "normalize_params": {"lowhigh": None, "percentile": [1.0, 99.0], "invert": False, "big": 2**40, "huge": 2**70}, **more,
    }  # fmt: skip


def npy(value):
    out = io.BytesIO()
    np.save(out, value, allow_pickle=True)
    return out.getvalue()


def header_of(array):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": "|O", "fortran_order": False, "shape": array.shape})
    return out.getvalue()


def by_protocol(value, protocol):
    """With the names of NumPy 1, as most files have them."""
    array = np.array(value, dtype=object)
    body = pickle.dumps(array, protocol=protocol)
    if protocol < 4:
        body = body.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    return header_of(array) + body


class Call:
    def __init__(self, function, *args):
        self.pair = function, args

    def __reduce__(self):
        return self.pair


def text(data):
    return base64.b64encode(data).decode()


import os  # noqa: E402
import pathlib  # noqa: E402

cellpose = {
    "numpy 2, protocol 4": npy(seg(masks)),
    "numpy 1, protocol 3": by_protocol(seg(masks), 3),
    "numpy 1, protocol 2": by_protocol(seg(masks), 2),
    "int32": npy(seg(masks.astype(np.int32))),
    "big-endian": npy(seg(masks.astype(">u2"))),
    "volume": npy(seg(volume)),
}
refused = {
    "os.system": npy(seg(masks, x=Call(os.system, "touch /tmp/lamella-pickle"))),
    "builtins.eval": by_protocol(seg(masks, x=Call(eval, "1")), 2),
    "pathlib.PosixPath": npy(seg(masks, filename=pathlib.PosixPath("/data/a.tif"))),
    "SET": npy(seg(masks, x={1, 2})),
    "complex masks": npy(seg(masks.astype(np.complex64))),
    "no masks": npy({"outlines": outlines}),
    "numbers": npy(masks),
    "truncated": npy(seg(masks))[:-90],
}
zipped = io.BytesIO()
rois = [
    roifile.ImagejRoi.frompoints(np.array([[2, 3], [11, 3], [11, 9], [2, 9]]), name="cell 1", position=2),
    roifile.ImagejRoi.frompoints(np.array([[2.25, 3.5], [11.75, 3.5], [6.5, 9.25]]), name="cell 2", position=1),
]
import tempfile  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/a.zip"
    roifile.roiwrite(path, rois)
    with open(path, "rb") as file:
        roi_zip = file.read()

lines = [json.dumps(case(name, geometry)) for name, geometry in shapes]
print("{")
print(f'  "versions": {json.dumps({"shapely": shapely.__version__, "geos": shapely.geos_version_string, "numpy": np.__version__, "roifile": roifile.__version__})},')
print(f'  "size": {SIZE},')
print('  "shapes": [\n    ' + ",\n    ".join(lines) + "\n  ],")
print(f'  "roifile": {json.dumps(text(roi_zip))},')
for name, files in (("cellpose", cellpose), ("refused", refused)):
    rows = ",\n    ".join(f"{json.dumps(key)}: {json.dumps(text(data))}" for key, data in files.items())
    print(f'  "{name}": {{\n    {rows}\n  }},')
print(f'  "masks": {json.dumps(masks.flatten().tolist())}')
print("}")
