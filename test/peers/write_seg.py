"""Writes a CT series with pydicom, and segments of it with highdicom, into folders: binary (overlapping, frames shuffled,
empty slices left out), fractional, as a label map, and of another series. Prints the pixels that highdicom was given:
{folder: {segment: [slice, row, column, ...]}}."""

import json
import sys
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless, generate_uid

folder = Path(sys.argv[1])
rng = np.random.default_rng(5)
COUNT, ROWS, COLUMNS = 7, 13, 18
frame_of_reference = generate_uid()
study = generate_uid()


def series(uid):
    slices = []
    for z in range(COUNT):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, ds.file_meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, uid, frame_of_reference
        ds.PatientID = ds.PatientName = ds.AccessionNumber = ds.StudyID = ''
        ds.PatientBirthDate = ds.PatientSex = ds.StudyDate = ds.StudyTime = ds.ReferringPhysicianName = ''
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = 'CT', 1, COUNT - z
        ds.Rows, ds.Columns, ds.PixelSpacing, ds.SliceThickness = ROWS, COLUMNS, [0.75, 0.5], 2.5
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-3.25, 4.5, 2.5 * z - 6]
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, 'MONOCHROME2', 1
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.RescaleSlope, ds.RescaleIntercept = 15, 1, -1024
        ds.PixelData = rng.integers(0, 2000, (ROWS, COLUMNS), dtype=np.int16).tobytes()
        slices.append(ds)
    return slices


def described(number, label):
    return hd.seg.SegmentDescription(
        segment_number=number, segment_label=label, segmented_property_category=codes.SCT.Organ,
        segmented_property_type=codes.SCT.Liver, algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL)


def segmentation(source, pixels, kind, labels, **options):
    return hd.seg.Segmentation(
        source_images=source, pixel_array=pixels, segmentation_type=kind,
        segment_descriptions=[described(i + 1, label) for i, label in enumerate(labels)],
        series_instance_uid=generate_uid(), series_number=9, sop_instance_uid=generate_uid(), instance_number=1,
        manufacturer='test', manufacturer_model_name='test', software_versions='1', device_serial_number='1', **options)


def shuffled(ds):
    """The same frames in another order."""
    order = rng.permutation(ds.NumberOfFrames)
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder='little')[: ds.NumberOfFrames * ROWS * COLUMNS]
    frames = bits.reshape(ds.NumberOfFrames, -1)[order].ravel()
    packed = np.packbits(frames, bitorder='little').tobytes()
    ds.PixelData = packed + b'\0' * (len(packed) % 2)
    ds.PerFrameFunctionalGroupsSequence = [ds.PerFrameFunctionalGroupsSequence[i] for i in order]
    return ds


said = {}


def write(name, source, ds, masks):
    place = folder / name
    place.mkdir()
    for i, one in enumerate(source):
        one.save_as(place / f'slice{rng.integers(1000)}-{i}.dcm', enforce_file_format=True)
    ds.save_as(place / 'segments.dcm')
    said[name] = {label: np.argwhere(mask).ravel().tolist() for label, mask in masks.items()}


y, x = np.mgrid[:ROWS, :COLUMNS]
masks = np.zeros((COUNT, ROWS, COLUMNS, 2), np.uint8)
for z in range(1, 5):
    masks[z, ..., 0] = np.hypot(y - 6, x - 6 - z) < 4
for z in range(3, 6):
    masks[z, ..., 1] = np.hypot(y - 7, x - 12) < 3 + z % 2
apart = masks.copy()
apart[..., 1] &= 1 - apart[..., 0]
names = ['Left lung', 'Tumour']
kinds = hd.seg.SegmentationTypeValues
ct = series(generate_uid())
by_name = {name: apart[..., i] for i, name in enumerate(names)}
write('binary', ct, shuffled(segmentation(ct, apart, kinds.BINARY, names)), by_name)
write('overlapping', ct, segmentation(ct, masks, kinds.BINARY, names), {n: masks[..., i] for i, n in enumerate(names)})
write('one segment', ct, segmentation(ct, masks[..., 0], kinds.BINARY, names[:1]), {names[0]: masks[..., 0]})
fractions = np.clip(apart * rng.uniform(0.05, 1, apart.shape), 0, 1)
half = {n: np.round(fractions[..., i] * 255) >= 127.5 for i, n in enumerate(names)}
for syntax, name in [(ExplicitVRLittleEndian, 'fractional'), (RLELossless, 'fractional, RLE')]:
    write(name, ct, segmentation(ct, fractions, kinds.FRACTIONAL, names, fractional_type='PROBABILITY', transfer_syntax_uid=syntax), half)
label_map = apart[..., 0] + 2 * apart[..., 1]
write('numbers', ct, segmentation(ct, label_map, kinds.LABELMAP, names), by_name)
write('numbers, RLE', ct, segmentation(ct, label_map, kinds.LABELMAP, names, transfer_syntax_uid=RLELossless), by_name)
write('of another series', ct, segmentation(series(generate_uid()), apart, kinds.BINARY, names), by_name)
print(json.dumps(said))
