"""Writes, with h5py, files in the layouts of ilastik: exports of every type and order of axes, and a project of pixel
classification with labels in blocks, on images in PNG. Prints {"exports": {file: {"shape": ..., "axes": ..., "values":
[...]}}, "painted": {image: [class of every pixel, 0 where nobody painted]}}."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

folder = Path(sys.argv[1])
rng = np.random.default_rng(3)
ORDER = 'tczyx'


def tags(axes):
    """As vigra.AxisTags.toJSON writes it."""
    kind = {'c': 1, 't': 8}
    return json.dumps({'axes': [{'key': a, 'typeFlags': kind.get(a, 2), 'resolution': 0, 'description': ''} for a in axes]}, indent=2)


exports = {}


def export(name, data, axes, **options):
    with h5py.File(folder / name, 'w', **options.pop('file', {})) as f:
        d = f.create_dataset('exported_data', data=data, **options)
        d.attrs['axistags'] = tags(axes)
        d.attrs['display_mode'] = np.bytes_('default')
    order = [axes.index(a) for a in ORDER if a in axes]
    exports[name] = {'axes': ''.join(axes[i] for i in order), 'shape': [data.shape[i] for i in order],
                     'values': np.ascontiguousarray(data.transpose(order)).ravel().tolist()}


for dtype in ['uint8', 'uint16', 'uint32', 'int8', 'int16', 'int32', 'float32', 'float64', 'int64', 'uint64', '>u2', '>f4']:
    data = (rng.random((9, 11, 1)) * 100).astype(dtype)
    export(f'type {dtype.replace(">", "big ")}.h5', data, 'yxc')
labels = rng.integers(0, 4, (7, 45, 38), dtype=np.uint8)
export('chunks.h5', labels, 'zyx', chunks=(3, 16, 16), compression='gzip')
export('shuffled.h5', labels.astype(np.uint16) * 999, 'zyx', chunks=(3, 16, 16), compression='gzip', shuffle=True, fletcher32=True)
export('latest.h5', labels[..., None], 'zyxc', file={'libver': 'latest'})
for axes in ['xy', 'cyx', 'yxc', 'xyz', 'tzyxc', 'tyxc', 'xyzct']:
    export(f'axes {axes}.h5', rng.integers(0, 250, [2 + ORDER.index(a) for a in axes], dtype=np.uint8), axes)
with h5py.File(folder / 'latest chunks.hdf5', 'w', libver='latest') as f:
    f.create_dataset('exported_data', data=labels, chunks=(3, 16, 16))
with h5py.File(folder / 'lzf.hdf5', 'w') as f:
    f.create_dataset('exported_data', data=labels, chunks=True, compression='lzf')
with h5py.File(folder / 'several.hdf5', 'w') as f:
    f['a/raw'] = labels
    f['a/labels'] = labels
with h5py.File(folder / 'volume.hdf5', 'w') as f:
    f['volume/data'] = labels
    f['version'] = np.bytes_('1')

project = folder / 'project'
project.mkdir()
height, width = 30, 41
painted = {}
with h5py.File(project / 'cells.ilp', 'w') as f:
    f['ilastikVersion'] = np.bytes_('1.4.0')
    f['workflowName'] = np.bytes_('Pixel Classification')
    f['PixelClassification/LabelNames'] = np.array([b'nucleus', b'background', b'rim'])
    f['PixelClassification/LabelColors'] = np.array([[255, 225, 25], [0, 130, 200], [230, 25, 75]])
    for i, name in enumerate(['a', 'b', 'c']):
        pixels = rng.integers(0, 200, (height, width), dtype=np.uint8)
        Image.fromarray(pixels).save(project / f'{name}.png')
        raw = f.create_group(f'Input Data/infos/lane{i:04}/Raw Data')
        raw['filePath'] = np.bytes_(f'{name}.png')
        raw['nickname'] = np.bytes_(name)
        raw['axistags'] = np.bytes_(tags('yxc'))
        raw['shape'] = np.array([height, width, 1])
        blocks = f.create_group(f'PixelClassification/LabelSets/labels{i:03}')
        if name == 'c':
            continue
        whole = np.zeros((height, width), np.uint8)
        for k, (y, x, h, w) in enumerate([(2, 3, 9, 12), (20, 22, 10, 19)]):
            block = np.zeros((h, w, 1), np.uint8)
            block[1, 2:, 0] = 1 + k
            block[3:5, : w // 2, 0] = 2
            block[-1, 4:9, 0] = 3 if name == 'a' else 1
            whole[y:y + h, x:x + w] = block[..., 0]
            d = blocks.create_dataset(f'block{k:04}', data=block, **({'compression': 'gzip', 'chunks': block.shape} if k else {}))
            d.attrs['blockSlice'] = f'[{y}:{y + h},{x}:{x + w},0:1]'
            d.attrs['axistags'] = tags('yxc')
        painted[f'{name}.png'] = whole.ravel().tolist()

pairs = folder / 'pairs'
pairs.mkdir()
for name in ['a', 'b']:
    Image.fromarray(rng.integers(0, 200, (height, width), dtype=np.uint8)).save(pairs / f'{name}.png')
    export(f'pairs/{name}_Simple Segmentation.h5', rng.integers(1, 4, (height, width, 1), dtype=np.uint8), 'yxc')
print(json.dumps({'exports': exports, 'painted': painted}))
