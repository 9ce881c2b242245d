"""TIFF files of several resolutions as tifffile writes them, with the values of each resolution.

Usage: python scripts/golden/tiff_pyramids.py > test/golden/tiff_pyramids.json

Values are little-endian bytes, as a zlib stream in base64, in the order t c z y x; samples of a pixel count as channels.
"""

import base64
import io
import json
import zlib

import numpy as np
import tifffile

cases = {}


def picture(height, width, *more, dtype="uint8", seed=0):
    """Slopes and spots that compress well, other ones in each plane."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = []
    for plane in range(int(np.prod(more, initial=1))):
        values = (y * 2 + x * (3 + plane) + 41 * plane) // 7
        values[random.integers(0, height, 40), random.integers(0, width, 40)] = 200
        planes.append(values % (251 if dtype == "uint8" else 60_000))
    return np.stack(planes).astype(dtype).reshape(*more, height, width)


def encode(values):
    values = np.ascontiguousarray(values)
    return base64.b64encode(zlib.compress(values.astype(values.dtype.newbyteorder("<")).tobytes(), 9)).decode()


def add(name, data, levels, axes, spacing=None, notes=None, stored=None):
    """Levels in the order of `axes`; `spacing` of each in µm along x and y; what is stored, unless it is the levels."""
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        for level, values in zip(tiff.series[0].levels, stored or levels):
            read = level.asarray()
            assert sorted(read.shape) == sorted(values.shape), (name, read.shape, values.shape)
            assert np.array_equal(np.sort(read, axis=None), np.sort(values, axis=None)), name
    cases[name] = {
        "file": base64.b64encode(data).decode(),
        "axes": axes,
        "dtype": levels[0].dtype.name,
        "levels": [{"shape": values.shape, "values": encode(values)} for values in levels],
        **({"spacing": spacing} if spacing else {}),
        **({"notes": notes} if notes else {}),
    }


def channels_first(values):
    return np.moveaxis(values, -1, 0)


# OME-TIFF: the lower resolutions of each page are in its SubIFDs.
levels = [picture(150, 203, 2, 3, dtype="uint16")]
for step in (2, 4):
    levels.append(levels[0][..., ::step, ::step])
file = io.BytesIO()
with tifffile.TiffWriter(file, ome=True, bigtiff=True) as writer:
    options = {"tile": (32, 48), "compression": "zlib", "predictor": True, "photometric": "minisblack"}
    writer.write(levels[0], subifds=2, metadata={"axes": "CZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25, "PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}, **options)
    for level in levels[1:]:
        writer.write(level, subfiletype=1, metadata=None, **options)
add("OME-TIFF", file.getvalue(), levels, "czyx", spacing=[0.25, 0.5, 1])

# Reduced pages that follow the full one, as GDAL writes them; one of them is a thumbnail of another shape.
levels = [np.moveaxis(picture(131, 97, 3), 0, -1)]
levels += [levels[0][::2, ::2], levels[0][::4, ::4]]
file = io.BytesIO()
with tifffile.TiffWriter(file) as writer:
    for i, level in enumerate(levels):
        writer.write(level, tile=(32, 32), compression="lzw", photometric="rgb", subfiletype=min(i, 1), metadata=None)
    writer.write(np.zeros((20, 40, 3), "uint8"), photometric="rgb", subfiletype=1, metadata=None)
add("reduced pages", file.getvalue(), [channels_first(level) for level in levels], "cyx")

# Strips of other heights in each resolution, the samples in planes, most significant byte first.
levels = [picture(90, 70, 2, dtype="uint16"), picture(90, 70, 2, dtype="uint16")[:, ::3, ::3]]
file = io.BytesIO()
with tifffile.TiffWriter(file, byteorder=">") as writer:
    for i, level in enumerate(levels):
        writer.write(level, planarconfig="separate", photometric="minisblack", rowsperstrip=[7, 4][i], subfiletype=i, metadata=None, extrasamples=["unspecified"])
add("strips in planes", file.getvalue(), levels, "cyx")

# One bit per pixel.
levels = [picture(61, 83) > 90, picture(61, 83)[::2, ::2] > 90]
file = io.BytesIO()
with tifffile.TiffWriter(file) as writer:
    for i, level in enumerate(levels):
        writer.write(level, compression="packbits", photometric="minisblack", rowsperstrip=10, subfiletype=i, metadata=None)
add("bits", file.getvalue(), [level.astype("uint8") for level in levels], "yx")

# Indices of a palette, read as colours.
levels = [picture(75, 64), picture(75, 64)[::2, ::2]]
colours = np.random.default_rng(5).integers(0, 256, (3, 256), dtype="uint16")
file = io.BytesIO()
with tifffile.TiffWriter(file) as writer:
    for i, level in enumerate(levels):
        writer.write(level, photometric="palette", colormap=colours * 257, tile=(16, 16), subfiletype=i, metadata=None)
add("palette", file.getvalue(), [colours.astype("uint8")[:, level] for level in levels], "cyx", stored=levels)

# Aperio SVS: tiled resolutions, a stripped thumbnail between them, and pictures of the label and the slide.
levels = [np.moveaxis(picture(160, 240, 3), 0, -1)]
levels += [levels[0][::4, ::4], levels[0][::8, ::8]]
text = "Aperio Image Library v12.0.15 \r\n240x160 [0,0 240x160] (32x32) JPEG/RGB Q=70"
file = io.BytesIO()
with tifffile.TiffWriter(file) as writer:
    options = {"photometric": "rgb", "metadata": None}
    tiled = {"tile": (32, 32), "compression": "zlib", **options}
    writer.write(levels[0], description=f"{text}|AppMag = 20|MPP = 0.4990|Left = 25.7", **tiled)
    writer.write(levels[0][::2, ::2], description=f"{text} -> 120x80 - |AppMag = 20", rowsperstrip=16, **options)
    for level in levels[1:]:
        writer.write(level, description=f"{text} -> {level.shape[1]}x{level.shape[0]}", **tiled)
    writer.write(np.zeros((60, 40, 3), "uint8"), description="Aperio Image Library v12.0.15 \r\nlabel 40x60", subfiletype=1, compression="lzw", **options)
    writer.write(np.zeros((24, 36, 3), "uint8"), description="Aperio Image Library v12.0.15 \r\nmacro 36x24", subfiletype=9, **options)
add("Aperio SVS", file.getvalue(), [channels_first(level) for level in levels], "cyx", spacing=[0.499, 1.996, 3.992], notes=["its thumbnail and pictures of its label are not read"])

versions = {"tifffile": tifffile.__version__, "numpy": np.__version__}
lines = [f"    {json.dumps(name)}: {json.dumps(case, ensure_ascii=False)}" for name, case in cases.items()]
print(f'{{\n  "versions": {json.dumps(versions)},\n  "files": {{\n' + ",\n".join(lines) + "\n  }\n}")
