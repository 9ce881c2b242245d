"""Writes COCO annotations as pycocotools understands them into a folder: polygons of every shape, holes cut in, several
parts, beyond the image, run lengths compressed and not, a crowd. Prints the pixels that pycocotools finds: {annotation
id: [row, first column, column after the last, ...]}, per file."""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO

folder = Path(sys.argv[1])
(folder / 'data/images').mkdir(parents=True)
(folder / 'data/annotations').mkdir()
rng = np.random.default_rng(7)
sizes = {'a.jpg': (60, 83), 'b.jpg': (41, 37)}
images, annotations = [], []
for i, (name, (height, width)) in enumerate(sizes.items()):
    images.append({'id': i + 10, 'file_name': name, 'width': width, 'height': height})
    Image.fromarray(rng.integers(0, 255, (height, width), dtype=np.uint8)).save(folder / 'data/images' / name)


def add(image, segmentation, category=1, iscrowd=0):
    annotations.append({'id': len(annotations) + 1, 'image_id': image, 'category_id': category, 'iscrowd': iscrowd,
                        'segmentation': segmentation, 'bbox': [0, 0, 1, 1], 'area': 1})


def star(x, y, radius, points, wild):
    angles = np.sort(rng.random(points)) * 2 * np.pi
    radii = radius * (1 - wild * rng.random(points))
    return np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], -1).ravel()


for image, (height, width) in zip((10, 11), sizes.values()):
    for k in range(60):
        outline = star(rng.random() * width, rng.random() * height, 2 + 14 * rng.random(), rng.integers(3, 25), rng.random())
        digits = [0, 1, 2, 8][k % 4]
        add(image, [outline.round(digits).tolist()], category=1 + k % 2)
    # Crossing itself, with a repeated corner, whole pixels, a line without area, two parts, a sliver, all of the image.
    add(image, [[5, 5, 25, 25, 25, 5, 5, 25]])
    add(image, [[5, 5, 5, 5, 20, 5, 20, 18, 5, 18]])
    add(image, [[3, 3, 9, 3, 9, 8, 3, 8], [6, 6, 14, 6, 14, 14, 6, 14]])
    add(image, [[2, 2, 30, 2, 2, 2]])
    add(image, [[10.5, 1, 10.6, 1, 10.6, 30, 10.5, 30]])
    add(image, [[0, 0, width, 0, width, height, 0, height]])
    add(image, [[-10, -4, 12, 6, width + 9, height + 20, 3, 30]])
    mask = np.asfortranarray(rng.random((height, width)) > 0.7)
    counts = rle.encode(mask)
    counts['counts'] = counts['counts'].decode()
    add(image, counts)
    full = rle.encode(np.asfortranarray(np.ones((height, width), np.uint8)))
    add(image, {'size': full['size'], 'counts': full['counts'].decode()})
    plain = [0] if mask[0, 0] else []
    flat = mask.ravel(order='F')
    edges = np.flatnonzero(np.diff(flat.astype(int))) + 1
    plain += np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    add(image, {'size': [height, width], 'counts': plain}, iscrowd=1)

# Everything of one image for each annotation alone; and a small file that is a data set.
content = {'images': images, 'annotations': annotations,
           'categories': [{'id': 1, 'name': 'nucleus'}, {'id': 2, 'name': 'mitosis'}]}
(folder / 'all.json').write_text(json.dumps(content))


def runs(mask):
    found = []
    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row, [0]]).astype(int)))
        for a, b in zip(edges[::2], edges[1::2]):
            found += [y, int(a), int(b)]
    return found


coco = COCO.__new__(COCO)
coco.__init__(None)
coco.dataset = content
sys.stdout, out = sys.stderr, sys.stdout
coco.createIndex()
said = {str(a['id']): runs(coco.annToMask(a)) for a in annotations}

few = [{**a, 'segmentation': s} for a, s in zip(annotations[60:64], [
    [[4, 4, 14, 4, 14, 14, 4, 14]], [[20, 20, 33.5, 20, 33.5, 30, 20, 30]], [[8, 8, 18, 8, 18, 18, 8, 18]], [[3, 30, 9, 30, 9, 38, 3, 38]]])]
few[1]['category_id'] = 2
few[3]['iscrowd'] = 1
dataset = {**content, 'images': [*images, {'id': 12, 'file_name': 'gone.jpg', 'width': 5, 'height': 5}], 'annotations': few}
(folder / 'data/annotations' / 'instances_default.json').write_text(json.dumps(dataset))
coco.dataset = dataset
coco.createIndex()
said['data set'] = [runs(coco.annToMask(a)) for a in few]
print(json.dumps(said), file=out)
