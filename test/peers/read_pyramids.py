"""Reads every TIFF of a folder with tifffile: {name: {ome, big, imagej, axes, spacing, unit, channels, levels: [{shape,
dtype, crc32 of the values as little-endian bytes in C order}]}}."""

import json
import os
import sys
import xml.etree.ElementTree as xml
import zlib

import numpy as np
import tifffile

root = sys.argv[1]
found = {}
for name in sorted(os.listdir(root)):
    with tifffile.TiffFile(os.path.join(root, name)) as file:
        series = file.series[0]
        levels = []
        for level in series.levels:
            values = np.ascontiguousarray(level.asarray(squeeze=True))
            if level.axes.endswith('S'):
                # Samples before slices and rows, as elsewhere.
                values = np.ascontiguousarray(np.moveaxis(values, -1, -4 if 'Z' in level.get_axes(squeeze=True) else -3))
            levels.append({'shape': values.shape, 'dtype': str(values.dtype), 'crc32': zlib.crc32(values.tobytes())})
        pixels = next(element for element in xml.fromstring(file.ome_metadata).iter() if element.tag.endswith('}Pixels'))
        found[name] = {
            'ome': file.is_ome,
            'big': file.is_bigtiff,
            'tiled': file.pages[0].is_tiled,
            'axes': series.get_axes(squeeze=True),
            'pixels': pixels.attrib,
            'channels': [child.attrib.get('Name') for child in pixels if child.tag.endswith('}Channel')],
            'levels': levels,
        }
print(json.dumps(found))
