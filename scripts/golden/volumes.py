"""Values of DICOM, NIfTI and NRRD files as pydicom, nibabel, SimpleITK and pynrrd read them.

    python scripts/golden/volumes.py [data folder] > test/golden/volumes.json

Arrays are in our order: (t, c, z, y, x), axes of one step left out. Coordinates are LPS, in mm. `crc32` is that of the
values as little-endian int32, where they are whole numbers; `picks` are [flat index, value].
"""
import glob
import json
import os
import sys
import warnings
import zlib

import nibabel as nib
import nrrd
import numpy as np
import pydicom
import SimpleITK as sitk

warnings.filterwarnings("ignore")
data = sys.argv[1] if len(sys.argv) > 1 else "../shared/data"


def facts(values):
    values = np.ascontiguousarray(values)
    flat = values.reshape(-1)
    at = np.linspace(0, flat.size - 1, 12).astype(int)
    numbers = flat.astype(np.float64)
    out = {
        "shape": list(values.shape),
        "min": float(numbers.min()),
        "max": float(numbers.max()),
        "sum": float(numbers.sum()),
        "picks": [[int(i), float(numbers[i])] for i in at],
    }
    if np.all(numbers == np.rint(numbers)) and abs(numbers).max() < 2**31:
        out["crc32"] = zlib.crc32(numbers.astype("<i4").tobytes())
    return out


def place(matrix, origin):
    """Steps along x, y, z and the origin."""
    return {"steps": [[float(v) for v in matrix[:, k]] for k in range(3)], "origin": [float(v) for v in origin]}


def nifti(path):
    image = nib.load(path)
    header = image.header
    if image.get_data_dtype().fields is not None:
        raise ValueError("colours")
    array = np.asanyarray(image.dataobj)
    # (x, y, z, t, c) to (t, c, z, y, x)
    array = array.reshape(array.shape + (1,) * (5 - array.ndim))
    ordered = array.transpose(3, 4, 2, 1, 0)
    keep = [n for i, n in enumerate(ordered.shape) if n > 1 or i > 2]
    out = facts(ordered.reshape(keep))
    if int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0:
        flip = np.diag([-1.0, -1.0, 1.0])
        out["place"] = place(flip @ image.affine[:3, :3], flip @ image.affine[:3, 3])
    else:
        out["zooms"] = [float(v) for v in header.get_zooms()[:3]]
    return out


def detached(path):
    array, header = nrrd.read(path)
    out = facts(np.ascontiguousarray(array.transpose()).squeeze() if array.ndim > 1 else array)
    out["space"] = header.get("space")
    directions = header.get("space directions")
    if directions is not None:
        flip = np.diag([-1.0, -1.0, 1.0] if header["space"].startswith("right-anterior") else [1.0, 1.0, 1.0])
        rows = np.array([row for row in directions if not np.any(np.isnan(row))])
        origin = header.get("space origin", np.zeros(3))
        out["place"] = place(flip @ rows.T, flip @ origin)
    elif "spacings" in header:
        out["zooms"] = [float(v) for v in header["spacings"]]
    return out


def dicom(path):
    file = pydicom.dcmread(path)
    stored = file.pixel_array
    slope = float(file.get("RescaleSlope", file.get("DoseGridScaling", 1)))
    intercept = float(file.get("RescaleIntercept", 0))
    values = stored if slope == 1 and intercept == 0 else stored * slope + intercept
    out = facts(values)
    out["unit"] = "HU" if file.get("Modality") == "CT" and (slope, intercept) != (1, 0) else None
    # The geometry as ITK has it, an independent reader of the header.
    if file.get("ImagePositionPatient") is not None and file.get("ImageOrientationPatient") is not None:
        try:
            reader = sitk.ImageFileReader()
            reader.SetFileName(path)
            reader.ReadImageInformation()
            direction = np.array(reader.GetDirection()).reshape(3, 3)
            out["place"] = place(direction @ np.diag(reader.GetSpacing()), reader.GetOrigin())
        except RuntimeError:
            pass
    return out


READERS = [("dcm", dicom), ("nii", nifti), ("nii.gz", nifti), ("nrrd", detached), ("nhdr", detached)]
result = {}
for folder in ("formats", "lungs"):
    for path in sorted(glob.glob(os.path.join(data, folder, "**", "*"), recursive=True)):
        read = next((reader for ending, reader in READERS if path.endswith("." + ending)), None)
        if read is None or not os.path.isfile(path):
            continue
        name = os.path.relpath(path, data)
        try:
            result[name] = read(path)
        except Exception as error:  # what the independent reader refuses is written down as such
            said = str(error).replace(f"{data}/", "")
            result[name] = {"unread": f"{type(error).__name__}: {said}"[:160].split("\n")[0]}
versions = {module.__name__: module.__version__ for module in (pydicom, nib, nrrd)}
versions["SimpleITK"] = sitk.Version_VersionString()
json.dump({"versions": versions, "files": result}, sys.stdout, indent=1)
print()
