"""Writes JPEG files with Pillow into a folder: grey and colour, of every kind that is read or refused. Prints what Pillow
reads back: {name: {shape, values}}."""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

folder = Path(sys.argv[1])
y, x = np.mgrid[:37, :53]
grey = ((np.hypot(y - 18, x - 25) * 9 + 13 * np.sin(x / 3)) % 256).astype(np.uint8)
colour = np.stack([grey, 255 - grey, (x * 4).astype(np.uint8)], -1)
mask = np.where(np.hypot(y - 18, x - 25) < 12, 255, 0).astype(np.uint8)
classes = np.where(mask > 0, np.where(x < 25, 1, 2), 0).astype(np.uint8)
turned = Image.Exif()
turned[0x0112] = 6

files = {
    'grey': (grey, {}),
    'colour': (colour, {}),
    'colour of every pixel': (colour, {'subsampling': 0, 'quality': 95}),
    'progressive': (colour, {'progressive': True}),
    'progressive grey': (grey, {'progressive': True, 'optimize': True}),
    'restart markers': (colour, {'restart_marker_blocks': 2}),
    'RGB without a transform': (colour, {'keep_rgb': True}),
    'turned': (grey, {'exif': turned}),
    'mask': (mask, {'quality': 60}),
    'mask in colour': (np.stack([mask] * 3, -1), {'quality': 75}),
    'classes': (classes, {'quality': 90}),
}
said = {}
for name, (pixels, options) in files.items():
    path = folder / f'{name}.jpg'
    Image.fromarray(pixels).save(path, **options)
    values = np.asarray(Image.open(path))
    planes = values if values.ndim == 2 else np.moveaxis(values, -1, 0)
    said[name] = {'shape': planes.shape, 'values': planes.ravel().tolist(), 'saved': pixels.ravel().tolist()}
Image.fromarray(colour).convert('CMYK').save(folder / 'cmyk.jpg')
print(json.dumps(said))
