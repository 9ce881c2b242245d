"""Writes CT series with pydicom, one of them tilted, and contours of regions in them (RTSTRUCT): with holes as contours
within contours and as keyholes, several on a slice. Prints {folder: {region: [slice, row, column, ...]}}: the pixels
whose centres an even number of edges does not separate from outside, counted one by one."""

import json
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

folder = Path(sys.argv[1])
rng = np.random.default_rng(11)
COUNT, ROWS, COLUMNS, SPACING, THICKNESS = 6, 24, 31, (0.8, 0.5), 2.5


def base(sop):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = sop
    ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = sop, ds.file_meta.MediaStorageSOPInstanceUID
    ds.PatientID = ds.PatientName = ''
    return ds


def star(y, x, r, corners):
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = r * rng.uniform(0.5, 1, corners)
    return np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], 1)


def inside(lines):
    y, x = np.mgrid[:ROWS, :COLUMNS]
    odd = np.zeros((ROWS, COLUMNS), bool)
    for line in lines:
        for (x0, y0), (x1, y1) in zip(line, np.roll(line, -1, 0)):
            if y0 == y1:
                continue
            crosses = (np.minimum(y0, y1) <= y) & (y < np.maximum(y0, y1))
            odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


def keyhole(outer, inner):
    """An outer line that runs to its inner edge and back."""
    return np.concatenate([outer, outer[:1], inner, inner[:1]])


ring = star(11, 14, 9, 11)
hole = 0.4 * (ring - ring.mean(0)) + ring.mean(0)
regions = {
    'Lung': {1: [star(9, 8, 7, 9), star(16, 24, 6, 12)], 2: [star(9, 8, 6, 9)], 4: [star(12, 12, 8, 15)]},
    'Ring': {3: [ring, hole]},
    'Keyhole µ': {5: [keyhole(ring, hole)]},
}
said = {}
for name, orientation in [('axial', [1, 0, 0, 0, 1, 0]), ('tilted', [0.8, 0.6, 0, 0, 0, -1])]:
    place = folder / name
    place.mkdir()
    x, y = np.array(orientation[:3], float), np.array(orientation[3:], float)
    normal, origin = np.cross(x, y), np.array([-3.25, 4.5, 20])
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for z in range(COUNT):
        ds = base(CTImageStorage)
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = 'CT', 1, COUNT - z
        ds.Rows, ds.Columns, ds.PixelSpacing, ds.SliceThickness = ROWS, COLUMNS, list(SPACING), THICKNESS
        ds.ImageOrientationPatient, ds.ImagePositionPatient = orientation, list(np.round(origin + z * THICKNESS * normal, 6))
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, 'MONOCHROME2', 1
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.RescaleSlope, ds.RescaleIntercept = 15, 1, -1024
        ds.PixelData = rng.integers(0, 2000, (ROWS, COLUMNS), dtype=np.int16).tobytes()
        ds.save_as(place / f'{rng.integers(1000)}-{z}.dcm', enforce_file_format=True)
    rt = base(RTStructureSetStorage)
    rt.SpecificCharacterSet = 'ISO_IR 192'
    rt.Modality, rt.StructureSetLabel = 'RTSTRUCT', 'test'
    of_series = Dataset()
    of_series.SeriesInstanceUID = series
    of_study = Dataset()
    of_study.ReferencedSOPInstanceUID, of_study.RTReferencedSeriesSequence = study, Sequence([of_series])
    of_frame = Dataset()
    of_frame.FrameOfReferenceUID, of_frame.RTReferencedStudySequence = frame, Sequence([of_study])
    rt.ReferencedFrameOfReferenceSequence = Sequence([of_frame])
    rt.StructureSetROISequence, rt.ROIContourSequence = Sequence(), Sequence()
    said[name] = {}
    for number, (label, slices) in enumerate([*regions.items(), ('Isocentre', {}), ('Empty', None)], 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, label, frame
        rt.StructureSetROISequence.append(roi)
        drawn = Dataset()
        drawn.ReferencedROINumber, drawn.ROIDisplayColor = number, [255, 10 * number, 0]
        drawn.ContourSequence = Sequence()
        lines = {1: [[[3, 4]]]} if label == 'Isocentre' else slices or {}
        for z, contours in lines.items():
            for line in contours:
                contour = Dataset()
                contour.ContourGeometricType = 'POINT' if label == 'Isocentre' else 'CLOSED_PLANAR'
                line = np.array(line, float)
                points = origin + z * THICKNESS * normal + line[:, :1] * SPACING[1] * x + line[:, 1:] * SPACING[0] * y
                contour.NumberOfContourPoints = len(line)
                contour.ContourData = [f'{value:.5f}' for value in points.ravel()]
                drawn.ContourSequence.append(contour)
        if slices is not None:
            rt.ROIContourSequence.append(drawn)
        if slices:
            mask = np.zeros((COUNT, ROWS, COLUMNS), bool)
            for z, contours in slices.items():
                mask[z] = inside(contours)
            said[name][label] = np.argwhere(mask).ravel().tolist()
    rt.save_as(place / 'contours.dcm', enforce_file_format=True)
print(json.dumps(said))
