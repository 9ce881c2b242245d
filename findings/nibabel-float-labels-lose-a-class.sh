#!/bin/sh
# Label maps that were computed in floating point and saved by nibabel under an integer header come back as fractions.
#
# Expected: labels 0, 1, 2 in a float64 array, saved with set_data_dtype(numpy.uint8), are 0, 1, 2 in the file: they fit.
# What happens: nibabel spreads the range of the values over the integers of the header and writes a slope, here 2/255:
#   the file holds 0, 127, 255, and reads as 0, 0.996, 2.00000012. astype(int), which most pipelines do next, makes that 0, 0, 2:
#   class 1 is gone without a word. Labels that divide 255 (0, 1, 5) seem to work.
# Versions: nibabel 5.4.2, numpy 2.4.0, Python 3.11 or later.
# For image processing: round labels before casting them; save them from an integer array, numpy.rint(labels).astype(numpy.uint8).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nibabel==5.4.2 numpy==2.4.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import nibabel as nib, numpy as np

labels = np.zeros((4, 4, 2))
labels[1], labels[2] = 1, 2
image = nib.Nifti1Image(labels, np.eye(4))
image.set_data_dtype(np.uint8)
nib.save(image, "labels.nii")

back = nib.load("labels.nii")
stored = np.unique(back.dataobj.get_unscaled())
values = np.unique(back.get_fdata())
print("slope in the file:", back.dataobj.slope)
print("stored:", stored.tolist(), "read:", values.tolist(), "as integers:", np.unique(values.astype(int)).tolist())
kept = nib.Nifti1Image(labels.astype(np.uint8), np.eye(4))
nib.save(kept, "kept.nii")
print("from an integer array:", np.unique(nib.load("kept.nii").get_fdata()).tolist())
ok = stored.tolist() == [0, 127, 255] and np.unique(values.astype(int)).tolist() == [0, 2]
sys.exit(0 if ok else 1)
PYTHON
