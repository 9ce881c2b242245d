"""Reads the segmentations of a folder: `*.dcm` with highdicom and pydicom, onto the series in the folder of the same name;
`*.seg.nrrd` with slicerio, pynrrd and SimpleITK. Prints {file: {"names": [...], "voxels": {name: [slice, row, column,
...]}, ...}}, slices in the order of their positions."""

import json
import sys
from pathlib import Path

import highdicom as hd
import nrrd
import numpy as np
import pydicom
import SimpleITK
import slicerio

folder = Path(sys.argv[1])
said = {}


def places(mask):
    return np.argwhere(mask).ravel().tolist()


def sorted_series(place):
    slices = [pydicom.dcmread(path) for path in place.glob('*.dcm')]
    if slices[0].get('NumberOfFrames', 1) > 1:
        return slices
    normal = np.cross(*np.reshape(slices[0].ImageOrientationPatient, (2, 3)).astype(float))
    return sorted(slices, key=lambda ds: float(np.dot(normal, np.array(ds.ImagePositionPatient, float))))


for path in sorted(folder.glob('*.dcm')):
    seg = hd.seg.segread(path)
    source = sorted_series(folder / path.stem.split('.')[0])
    uids = [ds.SOPInstanceUID for ds in source]
    if len(source) == 1 and source[0].get('NumberOfFrames', 1) > 1:
        stack = seg.get_pixels_by_source_frame(uids[0], list(range(1, source[0].NumberOfFrames + 1)), assert_missing_frames_are_empty=True, combine_segments=True)
    else:
        stack = seg.get_pixels_by_source_instance(uids, assert_missing_frames_are_empty=True, combine_segments=True)
    names = {n: seg.get_segment_description(n).segment_label for n in seg.get_segment_numbers()}
    volume = seg.get_volume(combine_segments=True)
    raw = pydicom.dcmread(path)
    said[path.name] = {
        'names': list(names.values()),
        'voxels': {name: places(stack == n) for n, name in names.items()},
        'inVolume': int(np.count_nonzero(volume.array)),
        'type': raw.SegmentationType,
        'patient': [str(raw.PatientName), raw.PatientID, raw.PatientBirthDate, raw.StudyDate],
        'sameStudy': raw.StudyInstanceUID == source[0].StudyInstanceUID,
        'sameSpace': raw.FrameOfReferenceUID == source[0].FrameOfReferenceUID,
        'date': raw.ContentDate + raw.ContentTime,
        'series': raw.SeriesInstanceUID,
        'colours': [[int(v) for v in s.RecommendedDisplayCIELabValue] for s in raw.SegmentSequence if s.SegmentNumber > 0],
    }

for path in sorted(folder.glob('*.seg.nrrd')):
    segmentation = slicerio.read_segmentation(str(path))
    voxels = segmentation['voxels']
    image = SimpleITK.ReadImage(str(path))
    data, header = nrrd.read(str(path))
    names = [segment['name'] for segment in segmentation['segments']]
    values = [segment['labelValue'] for segment in segmentation['segments']]
    same = np.array_equal(SimpleITK.GetArrayFromImage(image), data.T) and np.array_equal(data, voxels)
    said[path.name] = {
        'names': names,
        'voxels': {n: places(voxels.transpose(2, 1, 0) == v) for n, v in zip(names, values)},
        'extents': [header[f'Segment{i}_Extent'] for i in range(len(names))],
        'colours': [segment['color'] for segment in segmentation['segments']],
        'agree': bool(same),
        'origin': list(image.GetOrigin()), 'spacing': list(image.GetSpacing()), 'direction': list(image.GetDirection()),
    }
print(json.dumps(said))
