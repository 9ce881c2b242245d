"""Exports of CVAT as its library datumaro writes them: masks ("Segmentation mask 1.1") and XML ("CVAT for images 1.1"),
of the same annotations.

Usage: python scripts/golden/cvat.py > test/golden/cvat.json

`files` in base64; `classes` and `objects` per image: what Pillow reads of the masks, as [row, first column, column after
the last, name of the class or number of the object] per run. A mask of the XML, which datumaro does not write, is put
together as CVAT documents it.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from datumaro.components.annotation import Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from PIL import Image as Picture

rng = np.random.default_rng(4)
COLOURS = {'background': (0, 0, 0), 'nucleus': (250, 50, 83), 'fibre & thread': (128, 128, 128)}
NAMES = list(COLOURS)[1:]


def outline(x, y, radius):
    angles = np.sort(rng.random(9)) * 2 * np.pi
    radii = radius * (0.5 + 0.5 * rng.random(9))
    points = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], -1)
    # Quarters: datumaro computes with 32 bits, and the XML has two digits.
    return (np.round(points.clip(0, (47, 39)) * 4) / 4).ravel().tolist()


def item(name, count):
    polygons = [
        Polygon(outline(*(rng.random(2) * (48, 40)), 9), label=k % 2, id=k + 1, group=k + 1, z_order=(k * 3) % 5)
        for k in range(count)
    ]
    pixels = rng.integers(0, 255, (40, 48, 3), dtype=np.uint8)
    return DatasetItem(id=name, subset='default', media=Image.from_numpy(pixels, ext='.jpg'), annotations=polygons)


def exported(dataset, kind, **options):
    with tempfile.TemporaryDirectory() as folder:
        dataset.export(folder, kind, **options)
        return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob('*')) if p.is_file()}


items = [item('cell 1', 7), item('sub/cell2', 4), item('empty', 0)]
plain = Dataset.from_iterable(items, categories=NAMES)
xml = exported(plain, 'cvat', save_media=False)
# As CVAT does it.
plain.transform('polygons_to_masks')
plain.transform('merge_instance_segments')
label_map = {name: [colour, [], []] for name, colour in COLOURS.items()}
masks = exported(plain, 'voc_segmentation', save_media=True, apply_colormap=True, label_map=label_map)


def runs(path, name_of):
    import io

    pixels = np.asarray(Picture.open(io.BytesIO(masks[path])).convert('RGB')).astype(int)
    packed = pixels @ (65536, 256, 1)
    found = []
    for y, row in enumerate(packed):
        edges = [0, *(np.flatnonzero(np.diff(row)) + 1).tolist(), len(row)]
        found += [[y, a, b, name_of(int(row[a]))] for a, b in zip(edges, edges[1:]) if row[a] != 0]
    return found


by_colour = {int(np.array(colour) @ (65536, 256, 1)): name for name, colour in COLOURS.items()}
said = {}
for one in items:
    numbers = {}
    said[one.id] = {
        'classes': runs(f'SegmentationClass/{one.id}.png', by_colour.get),
        'objects': runs(f'SegmentationObject/{one.id}.png', lambda c: numbers.setdefault(c, len(numbers) + 1)),
    } if one.annotations else {'classes': [], 'objects': []}
text = {path: base64.b64encode(content).decode() for path, content in masks.items()}
json.dump({'masks': text, 'xml': [c.decode() for p, c in xml.items() if p.endswith('.xml')][0], 'said': said}, sys.stdout)
