"""Writes test/golden/ome_zarr.zip, stores of ome-zarr-py with an image pyramid and labels of it, and into
test/golden/ome_zarr.json what zarr-python reads of each array, and of those of the sample folders: shape, dtype and
crc32 of the values.

Run in an environment with ome-zarr 0.18.0: LAMELLA_DATA=... python scripts/golden/ngff.py
"""

import json
import os
import pathlib
import tempfile
import warnings
import zipfile
import zlib

import numpy as np
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.writer import write_image, write_labels

warnings.filterwarnings('ignore')
HERE = pathlib.Path(__file__).parent.parent.parent / 'test' / 'golden'
rng = np.random.default_rng(5)
WINDOW = {'min': 0, 'max': 255, 'start': 0, 'end': 255}
said = {}
y, x = np.mgrid[:96, :128]
cells = np.zeros((96, 128), np.uint16)
for number in range(1, 13):
    cy, cx = rng.integers(8, 88), rng.integers(8, 120)
    cells[(y - cy) ** 2 + (x - cx) ** 2 < 49] = number
image = np.stack([(cells > 0) * 180 + rng.integers(0, 40, cells.shape), rng.integers(0, 90, cells.shape)]).astype(np.uint8)



def read(path):
    values = np.ascontiguousarray(zarr.open_array(path, mode='r')[...])
    return {'shape': values.shape, 'dtype': str(values.dtype), 'crc32': zlib.crc32(values.tobytes())}


with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(HERE / 'ome_zarr.zip', 'w', zipfile.ZIP_DEFLATED) as out:
    for name, fmt in {'v04': FormatV04(), 'v05': FormatV05()}.items():
        path = pathlib.Path(folder) / f'{name}.ome.zarr'
        group = zarr.open_group(path, mode='w', zarr_format=fmt.zarr_format)
        units = {'y': 'micrometer', 'x': 'micrometer'}
        omero = {'channels': [{'label': n, 'color': 'FFFFFF', 'window': WINDOW} for n in ('cells', 'noise')]}
        write_image(image, group, fmt=fmt, axes='cyx', axes_units=units, scale={'y': 0.5, 'x': 0.5}, scale_factors=[2, 4],
                    storage_options={'chunks': (1, 32, 32)}, omero=omero)
        write_labels(cells, group, name='cells', fmt=fmt, axes='yx', axes_units=units, scale={'y': 0.5, 'x': 0.5}, scale_factors=[2, 4],
                     storage_options={'chunks': (32, 32)})
        for file in sorted(p for p in path.rglob('*') if p.is_file()):
            out.writestr(zipfile.ZipInfo(str(file.relative_to(folder)), (2026, 1, 1, 0, 0, 0)), file.read_bytes(), zipfile.ZIP_DEFLATED)
        for part in ('', 'labels/cells/'):
            for level in ('s0', 's1', 's2'):
                said[f'{name}.ome.zarr/{part}{level}'] = read(path / part / level)

samples = {}
data = pathlib.Path(os.environ['LAMELLA_DATA'])
for metadata in sorted([*(data / 'formats/ome-zarr').rglob('.zarray'), *(data / 'formats/ome-zarr').rglob('zarr.json')]):
    if metadata.name == '.zarray' or json.loads(metadata.read_text())['node_type'] == 'array':
        samples[str(metadata.parent.relative_to(data))] = read(metadata.parent)
(HERE / 'ome_zarr.json').write_text(json.dumps({'written': said, 'samples': samples}, indent=1) + '\n')
