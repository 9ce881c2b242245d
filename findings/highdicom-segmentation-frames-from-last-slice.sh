#!/bin/sh
# Frames of a DICOM segmentation that highdicom writes run from the last slice to the first.
#
# Expected: the frames of one segment lie in the order of the source images that were given, so that stacking them gives the mask.
# What happens: they are sorted by segment, then by position from the highest z to the lowest, whatever the order of the series:
#   frame 0 is the last slice. Whoever stacks frames turns the patient upside down; the dimension indices say where each belongs.
# Versions: highdicom 0.28.2, pydicom 3.0.2, numpy 2.4.0, Python 3.11 or later.
# For image processing: place frames by PlanePositionSequence or DimensionIndexValues, never by their number.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check highdicom==0.28.2 pydicom==3.0.2 numpy==2.4.0
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys
import highdicom as hd, numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

study, series, frame_of_reference = generate_uid(), generate_uid(), generate_uid()


def ct(z):
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = study, series, frame_of_reference
    image.PatientID = image.PatientName = image.StudyID = image.AccessionNumber = "example"
    image.PatientBirthDate = image.PatientSex = image.StudyDate = image.StudyTime = image.ReferringPhysicianName = ""
    image.Modality, image.InstanceNumber, image.SeriesNumber = "CT", z + 1, 1
    image.Rows = image.Columns = 4
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 1
    image.PixelSpacing, image.SliceThickness = [1, 1], 2
    image.ImageOrientationPatient, image.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 2 * z]
    image.PixelData = bytes(32)
    return image


images = [ct(z) for z in range(3)]
mask = np.zeros((3, 4, 4), np.uint8)
for z in range(3):
    mask[z, 0, : z + 1] = 1  # slice z has z + 1 pixels
segment = hd.seg.SegmentDescription(
    1, "object", codes.SCT.Organ, codes.SCT.Lung, hd.seg.SegmentAlgorithmTypeValues.MANUAL
)
orders = []
for given in ([0, 1, 2], [2, 1, 0]):
    seg = hd.seg.Segmentation(
        [images[i] for i in given], mask[given], hd.seg.SegmentationTypeValues.BINARY, [segment],
        generate_uid(), 2, generate_uid(), 1, "maker", "model", "1", "serial",
    )
    places = [float(f.PlanePositionSequence[0].ImagePositionPatient[2]) for f in seg.PerFrameFunctionalGroupsSequence]
    pixels = seg.pixel_array.sum(axis=(1, 2)).tolist()
    print("slices given:", given, "z of the frames:", places, "pixels in the frames:", pixels)
    orders.append((places, pixels))
sys.exit(0 if all(order == ([4, 2, 0], [3, 2, 1]) for order in orders) else 1)
PYTHON
