"""Reads the TIFF and PNG files of a folder with tifffile, imagecodecs and Pillow and compares them with what was written.

Usage: npx vitest run test/image/written-files.test.ts (with LAMELLA_WRITTEN=<folder>), then
       python scripts/golden/check_written.py <folder>

The folder holds x.tif or x.png, and x.json with dtype, axes, shape, spacing and the values' little-endian bytes.
"""

import base64
import json
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

bad = 0
checked = 0
for sidecar in sorted(Path(sys.argv[1]).glob("*.json")):
    want = json.loads(sidecar.read_text())
    values = np.frombuffer(base64.b64decode(want["values"]), want["dtype"]).reshape(want["shape"])
    problems = []
    tif = sidecar.with_suffix(".tif")
    if tif.exists():
        with tifffile.TiffFile(tif) as tiff:
            series = tiff.series[0]
            read, axes = series.asarray(), series.axes.replace("S", "c").replace("C", "c").lower()
            order = [axes.index(axis) for axis in want["axes"]] if sorted(axes) == sorted(want["axes"]) else None
            if order is None:
                problems.append(f"axes {axes}, expected {want['axes']}")
            else:
                read = read.transpose(order)
            ij = tiff.imagej_metadata or {}
            page = tiff.pages[0]
            for axis, tag in [("x", "XResolution"), ("y", "YResolution")]:
                if axis in want["spacing"]:
                    top, bottom = page.tags[tag].value
                    if abs(bottom / top / want["spacing"][axis]["value"] - 1) > 1e-9:
                        problems.append(f"{axis} resolution {top}/{bottom}")
            if "z" in want["spacing"] and ij.get("spacing") != want["spacing"]["z"]["value"]:
                problems.append(f"spacing {ij.get('spacing')}")
            if "x" in want["spacing"] and ij.get("unit") != want["spacing"]["x"]["unit"].replace("µm", "micron"):
                problems.append(f"unit {ij.get('unit')}")
    else:
        read = imagecodecs.png_decode(sidecar.with_suffix(".png").read_bytes())
        if read.ndim == 3:
            read = np.moveaxis(read, 2, 0)
    if read.dtype != values.dtype or read.shape != values.shape or not np.array_equal(read, values, equal_nan=values.dtype.kind == "f"):
        problems.append(f"read {read.dtype} {read.shape}, expected {values.dtype} {values.shape}, or other values")
    checked += 1
    bad += bool(problems)
    for problem in problems:
        print(f"{sidecar.stem}: {problem}")
print(f"{checked - bad} of {checked} files read as they were written")
sys.exit(bool(bad))
