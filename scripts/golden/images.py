"""What independent readers (tifffile with imagecodecs, Pillow) give for every PNG and TIFF of the sample folders.

Usage: python scripts/golden/images.py [folder with the samples] > test/golden/images.json

Canonical layout: axes in the order c z y x, axes of one step dropped (y and x kept); 1-bit samples as uint8 0 or 1;
white-is-zero as stored; palettes expanded to 8-bit RGB (RGBA where a colour is not opaque).
"""

import json
import logging
import sys
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

FOLDERS = ["exampletiffs", "fast-png", "image-js_tiff", "image-rs_tiff"]
logging.disable(logging.CRITICAL)


def read_page(page: tifffile.TiffPage) -> np.ndarray:
    """One page as [samples, y, x]."""
    values = page.asarray()
    if values.dtype == bool:
        values = values.astype(np.uint8)
    if page.photometric == 3:
        colours = page.colormap if page.colormap.max() < 256 else page.colormap // 257
        return colours.astype(np.uint8)[:, values]
    axes = page.axes
    if axes == "YXS":
        values = np.moveaxis(values, 2, 0)
    elif axes == "YX":
        values = values[None]
    else:
        assert axes == "SYX", axes
    return values


def read_tiff(path: Path) -> tuple[np.ndarray, int | None]:
    with tifffile.TiffFile(path) as tiff:
        pages = [page for page in tiff.pages if not int(page.subfiletype) & 5]
        arrays = [read_page(page) for page in pages]
        first = pages[0]
        bits = None if first.photometric == 3 else int(first.bitspersample)
    if len({(a.shape, a.dtype) for a in arrays}) > 1:
        raise ValueError("pages differ: " + ", ".join(str(a.shape) for a in arrays))
    return np.stack(arrays, axis=1), bits


def read_png(path: Path) -> tuple[np.ndarray, int | None]:
    """Pillow has no 16-bit RGB, so that kind is read by imagecodecs."""
    header = path.read_bytes()[:26]
    depth, colour = header[24], header[25]
    if depth == 16 and colour != 0:
        import imagecodecs

        values = imagecodecs.png_decode(path.read_bytes())
    else:
        picture = Image.open(path)
        transparent = "transparency" in picture.info
        if colour == 3:
            picture = picture.convert("RGBA" if transparent else "RGB")
        values = np.array(picture)
        if values.dtype == bool:
            values = values.astype(np.uint8)
        elif values.dtype == np.int32:
            values = values.astype(np.uint16)
        elif colour == 0 and depth < 8:
            values = values // (255 // (2**depth - 1))
        if colour == 3 and transparent and values[..., 3].min() == 255:
            # A palette may have transparent colours that no pixel uses: our reader looks at the palette.
            pass
    if values.ndim == 2:
        values = values[..., None]
    return np.moveaxis(values, 2, 0)[:, None], (None if colour == 3 else depth)


def describe(values: np.ndarray, bits: int | None) -> dict:
    axes = "".join(axis for axis, n in zip("czyx", values.shape) if n > 1 or axis in "yx")
    shape = [n for axis, n in zip("czyx", values.shape) if n > 1 or axis in "yx"]
    values = np.ascontiguousarray(values.reshape(shape))
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    finite = values.astype(np.float64)
    finite = finite[np.isfinite(finite)]
    picks = np.linspace(0, values.size - 1, min(values.size, 12)).round().astype(int)
    out = {
        "dtype": values.dtype.name,
        "axes": axes,
        "shape": shape,
        "crc32": zlib.crc32(little.tobytes()),
        "min": float(finite.min()),
        "max": float(finite.max()),
        "mean": float(finite.mean()),
        "picks": [[int(i), str(values.ravel()[i].item())] for i in picks],
    }
    if bits is not None and bits < values.dtype.itemsize * 8:
        out["bitDepth"] = bits
    return out


def main(root: Path) -> None:
    cases = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".png", ".tif", ".tiff"):
                continue
            name = str(path.relative_to(root))
            try:
                values, bits = read_png(path) if path.suffix == ".png" else read_tiff(path)
                cases[name] = describe(values, bits)
            except Exception as error:
                cases[name] = {"unread": f"{type(error).__name__}: {error}"[:120]}
    versions = {"tifffile": tifffile.__version__, "numpy": np.__version__}
    lines = [f"    {json.dumps(name)}: {json.dumps(case)}" for name, case in cases.items()]
    print(f'{{\n  "versions": {json.dumps(versions)},\n  "images": {{\n' + ",\n".join(lines) + "\n  }\n}")


main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/formats"))
