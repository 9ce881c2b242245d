#!/bin/sh
# A NIfTI header with a slope of 0 (or NaN) and an intercept has two readings.
#
# Expected: nifti1.h says that a slope of 0 means no scaling, so every reader gives the stored values.
# What happens: nibabel leaves out slope and intercept; SimpleITK (ITK) takes the slope for 1 and adds the intercept. The same
#   file differs by the intercept, for instance by 1024 where a CT was stored with an offset.
# Versions: nibabel 5.4.2, SimpleITK 2.5.7, numpy 2.4.0, Python 3.11 or later.
# For image processing: compare the values of one file in both before thresholds in Hounsfield units are trusted; write a
#   slope of 1 wherever there is an intercept.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import struct, sys
import nibabel as nib, numpy as np, SimpleITK as sitk

nib.save(nib.Nifti1Image(np.full((3, 3, 3), 24, np.int16), np.eye(4)), "plain.nii")
plain = open("plain.nii", "rb").read()
found = {}
for slope in (0.0, float("nan"), 1.0):
    changed = bytearray(plain)
    struct.pack_into("<ff", changed, 112, slope, -1024.0)
    open("scaled.nii", "wb").write(changed)
    ours = float(nib.load("scaled.nii").get_fdata()[0, 0, 0])
    theirs = float(sitk.GetArrayFromImage(sitk.ReadImage("scaled.nii"))[0, 0, 0])
    found[str(slope)] = (ours, theirs)
    print(f"slope {slope}, intercept -1024, stored 24: nibabel {ours}, SimpleITK {theirs}")
ok = found["0.0"] == (24, -1000) and found["nan"] == (24, -1000) and found["1.0"] == (-1000, -1000)
sys.exit(0 if ok else 1)
PYTHON
