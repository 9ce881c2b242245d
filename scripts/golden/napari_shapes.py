"""Shapes as napari 0.9 saves them, and the labels that napari makes of them: test/golden/napari-shapes/. Run with napari in
the environment, without a window: python scripts/golden/napari_shapes.py"""

import json
from pathlib import Path

import numpy as np
from napari.layers import Shapes
from napari_builtins.io import napari_write_shapes

out = Path(__file__).parents[2] / 'test/golden/napari-shapes'
out.mkdir(exist_ok=True)
rng = np.random.default_rng(4)
HEIGHT, WIDTH, SLICES = 40, 50, 3


def star(y, x, r, corners):
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = r * rng.uniform(0.4, 1, corners)
    return np.stack([y + radii * np.sin(angles), x + radii * np.cos(angles)], 1)


flat = [
    ('rectangle', np.array([[2, 3], [2, 12], [9, 12], [9, 3]], float)),
    ('rectangle', np.array([[11.5, 4.25], [11.5, 14.75], [17.5, 14.75], [17.5, 4.25]])),
    ('rectangle', np.array([[24, 8], [30, 14], [24, 20], [18, 14]], float)),
    ('polygon', star(12, 32, 10, 9)),
    ('polygon', star(30, 35, 8, 17)),
    ('polygon', np.array([[20, 20], [28, 34], [20, 34], [28, 20]], float)),
    ('polygon', np.array([[33, 2], [39, 2], [39, 12], [36, 7]], float)),
    ('polygon', star(36, 48, 7, 6)),
]
stack = [(kind, np.concatenate([np.full((len(data), 1), i % SLICES), data], 1)) for i, (kind, data) in enumerate(flat)]
said = {}
for name, shapes, size in [('flat', flat, (HEIGHT, WIDTH)), ('stack', stack, (SLICES, HEIGHT, WIDTH))]:
    # to_labels paints the highest first, so that the lowest has the pixels; the table does not have the height.
    heights = list(range(len(shapes)))[::-1]
    layer = Shapes([data for _, data in shapes], shape_type=[kind for kind, _ in shapes], z_index=heights)
    napari_write_shapes(str(out / f'{name}.csv'), layer.data, {'shape_type': layer.shape_type})
    said[name] = {'shape': size, 'labels': layer.to_labels(size).ravel().tolist()}
(out / 'labels.json').write_text(json.dumps(said) + '\n')
ellipse = Shapes([np.array([[2, 3], [2, 12], [9, 12], [9, 3]], float)], shape_type='ellipse')
napari_write_shapes(str(out / 'ellipse.csv'), ellipse.data, {'shape_type': ellipse.shape_type})
