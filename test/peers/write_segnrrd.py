"""Writes a volume with pynrrd, and segmentations of it with slicerio, the library of 3D Slicer, into folders: in one layer,
in two that overlap. Prints the voxels of each segment: {folder: {segment: [slice, row, column, ...]}}."""

import json
import sys
from pathlib import Path

import nrrd
import numpy as np
import slicerio

folder = Path(sys.argv[1])
rng = np.random.default_rng(8)
shape = (9, 11, 5)
matrix = np.array([[0.5, 0, 0, 10], [0, 0.75, 0, -20], [0, 0, 2.5, 30], [0, 0, 0, 1.0]])
header = {'space': 'left-posterior-superior', 'space directions': matrix[:3, :3].T, 'space origin': matrix[:3, 3],
          'kinds': ['domain'] * 3}
i, j, k = np.mgrid[: shape[0], : shape[1], : shape[2]]
lung, tumour = np.hypot(i - 4, j - 5) < 4, np.hypot(i - 6, j - 6) < 2 + k / 3
said = {}


def write(name, voxels, segments, masks):
    (folder / name).mkdir()
    nrrd.write(str(folder / name / 'scan.nrrd'), rng.integers(0, 900, shape, dtype=np.int16), header)
    slicerio.write_segmentation(str(folder / name / 'scan.seg.nrrd'), {
        'voxels': voxels, 'ijkToLPS': matrix, 'encoding': 'gzip', 'segments': segments})
    said[name] = {label: np.argwhere(mask.transpose(2, 1, 0)).ravel().tolist() for label, mask in masks.items()}


def segment(number, name, value, layer):
    return {'id': f'Segment_{number}', 'name': name, 'labelValue': value, 'layer': layer, 'color': [1, 0, 0]}


apart = {'Left lung': lung & ~tumour, 'Tumour': tumour}
write('one layer', np.where(tumour, 7, np.where(lung, 3, 0)).astype(np.uint8),
      [segment(1, 'Tumour', 7, 0), segment(2, 'Left lung', 3, 0)], apart)
write('two layers', np.stack([lung, tumour]).astype(np.uint8),
      [segment(1, 'Left lung', 1, 0), segment(2, 'Tumour', 1, 1)], apart)
print(json.dumps(said))
