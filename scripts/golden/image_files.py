"""Small TIFF files written by tifffile, with the values, axes and pixel size that they hold.

Usage: python scripts/golden/image_files.py > test/golden/image_files.json

Values are little-endian bytes in base64, in the order t c z y x, whatever the order in the file.
"""

import base64
import io
import json

import numpy as np
import tifffile

MICRON = {"x": [0.25, "µm"], "y": [0.5, "µm"]}
cases = {}


def ramp(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values that use the dtype's whole range and differ everywhere."""
    n = int(np.prod(shape))
    if dtype.startswith("float"):
        values = np.linspace(-3, 7, n) ** 3
        values[n // 2] = np.nan
        values[n // 3] = np.inf
    else:
        info = np.iinfo(dtype)
        values = np.array([info.min + (i * 7919 * (info.max - info.min) // (7919 * n)) for i in range(n)], dtype=dtype)
    return values.reshape(shape).astype(dtype)


def add(name: str, values: np.ndarray, axes: str, spacing: dict | None = None, channels=None, order=None, notes=None, **options):
    """`values` has `axes` in the order t c z y x; `order` is the order of axes that is written."""
    written = values
    if order is not None:
        written = np.transpose(values, [axes.index(axis) for axis in order])
    file = io.BytesIO()
    tifffile.imwrite(file, written, **options)
    little = values.astype(values.dtype.newbyteorder("<"))
    cases[name] = {
        "file": base64.b64encode(file.getvalue()).decode(),
        "axes": axes,
        "shape": values.shape,
        "dtype": values.dtype.name,
        "spacing": spacing or {},
        "values": base64.b64encode(little.tobytes()).decode(),
    }
    if channels:
        cases[name]["channels"] = channels
    if notes:
        cases[name]["notes"] = notes


# ImageJ's hyperstacks, whose order of pages is t z c.
resolution = {"resolution": (4, 2)}
add("imagej hyperstack", ramp((2, 3, 4, 5, 6), "uint16"), "tczyx",
    {**MICRON, "z": [1.5, "µm"], "t": [0.75, "s"]}, order="tzcyx",
    imagej=True, **resolution, metadata={"axes": "TZCYX", "unit": "micron", "spacing": 1.5, "finterval": 0.75})
add("imagej stack", ramp((4, 5, 6), "float32"), "zyx", {**MICRON, "z": [2, "µm"]},
    imagej=True, **resolution, metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0})
add("imagej time series", ramp((3, 5, 6), "uint8"), "tyx", {"t": [2.5, "s"]},
    imagej=True, metadata={"axes": "TYX", "finterval": 2.5})
add("imagej channels", ramp((2, 5, 6), "uint8"), "cyx", {"x": [0.25, "nm"], "y": [0.5, "nm"]},
    imagej=True, **resolution, metadata={"axes": "CYX", "unit": "nm"})
add("imagej RGB stack", ramp((3, 4, 5, 6), "uint8"), "czyx", order="zyxc",
    channels=["red", "green", "blue"], imagej=True, metadata={"axes": "ZYXS"})
add("imagej pixels without a unit", ramp((5, 6), "uint8"), "yx", imagej=True, **resolution, metadata={"unit": "pixel"})
add("imagej without a gap", ramp((3, 5, 6), "uint16"), "zyx", imagej=True, contiguous=True, metadata={"axes": "ZYX"})

# OME-TIFF in several orders of pages.
sizes = {"PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm"}
add("ome czyx", ramp((2, 3, 5, 6), "uint16"), "czyx", {**MICRON, "z": [400, "nm"]}, channels=["DNA & co", "membrane"],
    ome=True, metadata={"axes": "CZYX", **sizes, "PhysicalSizeZ": 400, "PhysicalSizeZUnit": "nm",
                        "Channel": {"Name": ["DNA & co", "membrane"]}})
add("ome zcyx", ramp((2, 3, 5, 6), "uint16"), "czyx", MICRON, order="zcyx", ome=True, metadata={"axes": "ZCYX", **sizes})
add("ome tzcyx", ramp((2, 3, 4, 5, 6), "uint8"), "tczyx", {"t": [10, "ms"]}, order="tzcyx", ome=True,
    metadata={"axes": "TZCYX", "TimeIncrement": 10, "TimeIncrementUnit": "ms"})
add("ome ctyx", ramp((3, 2, 5, 6), "uint8"), "tcyx", order="ctyx", ome=True, metadata={"axes": "CTYX"})
add("ome RGB", ramp((3, 5, 6), "uint8"), "cyx", MICRON, order="yxc", ome=True, photometric="rgb",
    metadata={"axes": "YXS", **sizes})
add("ome RGB stack", ramp((3, 4, 5, 6), "uint8"), "czyx", order="zyxc", ome=True, photometric="rgb",
    metadata={"axes": "ZYXS"})
add("ome BigTIFF float", ramp((3, 5, 6), "float64"), "zyx", ome=True, bigtiff=True, metadata={"axes": "ZYX"})

# Plain files: resolution tags, byte orders, predictors, compressions, tiles.
add("plain stack", ramp((3, 5, 6), "uint8"), "zyx", photometric="minisblack", metadata=None, notes=["does not say what its"])
add("pixels a centimetre", ramp((5, 6), "uint8"), "yx", MICRON, metadata=None, resolution=(40000, 20000), resolutionunit=3)
add("pixels an inch", ramp((5, 6), "uint8"), "yx", MICRON, metadata=None, resolution=(101600, 50800), resolutionunit=2)
add("72 pixels an inch", ramp((5, 6), "uint8"), "yx", metadata=None, resolution=(72, 72), resolutionunit=2)
add("ratio only", ramp((5, 6), "uint8"), "yx", metadata=None, resolution=(4, 2), resolutionunit=1)
for byteorder in "<>":
    for dtype in ["uint16", "int16", "uint32", "int32", "float16", "float32", "float64", "uint64", "int64"]:
        options = {"byteorder": byteorder, "metadata": None}
        add(f"{byteorder} {dtype}", ramp((5, 6), dtype), "yx", **options)
        if dtype[-2:] != "64" or dtype == "float64":
            add(f"{byteorder} {dtype} lzw predictor", ramp((5, 6), dtype), "yx", compression="lzw", predictor=True, **options)
    add(f"{byteorder} RGB float32 predictor", ramp((3, 5, 6), "float32"), "cyx", order="yxc", photometric="rgb",
        compression="zlib", predictor=True, byteorder=byteorder, metadata=None)
for compression in ["zlib", "lzw", "packbits", "zstd"]:
    for layout in ["strips", "tiles"]:
        options = {"tile": (16, 16)} if layout == "tiles" else {"rowsperstrip": 7}
        add(f"{compression} {layout}", ramp((20, 37), "uint16"), "yx", compression=compression, metadata=None, **options)
        if layout == "tiles" and compression != "packbits":
            add(f"{compression} {layout} planar predictor", ramp((3, 20, 17), "uint8"), "cyx", photometric="rgb", planarconfig="separate",
                compression=compression, predictor=True, metadata=None, notes=["Its 3 planes are read as colours"], **options)
add("white is zero", ramp((5, 6), "uint8"), "yx", photometric="miniswhite", metadata=None, notes=["shows 0 as white"])
# Flat and long rows exercise the widening and clearing of LZW codes.
add("lzw of noise", np.random.default_rng(1).integers(0, 256, (64, 80)).astype("uint8"), "yx", compression="lzw", metadata=None)
add("lzw of zeros", np.zeros((128, 100), "uint8"), "yx", compression="lzw", metadata=None)

lines = [f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(case, ensure_ascii=False)}" for name, case in cases.items()]
print("{\n" + ",\n".join(lines) + "\n}")
