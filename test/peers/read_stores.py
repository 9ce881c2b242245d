"""Reads every array below a folder of Zarr stores with zarr-python: {path: {shape, dtype, crc32 of the values as
little-endian bytes in C order, chunks, shards}}."""

import json
import os
import sys
import zlib

import numpy as np
import zarr

root = sys.argv[1]
found = {}
for folder, _, files in os.walk(root):
    if 'zarr.json' not in files:
        continue
    node = zarr.open(folder, mode='r')
    if not isinstance(node, zarr.Array):
        continue
    values = np.ascontiguousarray(node[...])
    values = values.astype(values.dtype.newbyteorder('<'))
    found[os.path.relpath(folder, root)] = {
        'shape': node.shape,
        'dtype': str(node.dtype),
        'crc32': zlib.crc32(values.tobytes()),
        'chunks': node.chunks,
        'shards': node.shards,
    }
print(json.dumps(found))
