"""Reads what src/export wrote into a folder with the libraries that people read it with. Prints JSON."""

import json
import sys
from pathlib import Path

import numpy as np


def paint(labels, mask, label):
    """Adds an object to a label map; two objects on one pixel are an error."""
    if (labels[mask] != 0).any():
        raise SystemExit(f"object {label} lies over another")
    labels[mask] = label


def centres(height, width):
    ys, xs = np.mgrid[0:height, 0:width] + 0.5
    return xs, ys


def rois(path, shape):
    import roifile
    import shapely

    depth, height, width = shape
    labels = np.zeros(shape, int)
    xs, ys = centres(height, width)
    for roi in roifile.roiread(path):
        mask = np.zeros((height, width), bool)
        for ring in roi.coordinates(multi=True) if roi.composite else [roi.coordinates()]:
            # Even-odd, as ImageJ fills shapes.
            mask ^= shapely.contains_xy(shapely.Polygon(ring), xs, ys)
        label = int(roi.name.split("-")[-1])
        paint(labels[max(0, roi.position - 1)], mask, label)
    return labels


def geojson(path, shape):
    import shapely
    from shapely.geometry import shape as geometry

    depth, height, width = shape
    labels = np.zeros(shape, int)
    xs, ys = centres(height, width)
    features = json.loads(Path(path).read_text())["features"]
    for feature in features:
        outline = geometry(feature["geometry"])
        if not outline.is_valid:
            raise SystemExit(shapely.is_valid_reason(outline))
        parts = outline.geoms if outline.geom_type == "MultiPolygon" else [outline]
        if not all(p.exterior.is_ccw and not any(h.is_ccw for h in p.interiors) for p in parts):
            raise SystemExit("orientation is not that of RFC 7946")
        z = feature["geometry"].get("plane", {"z": 0})["z"]
        paint(labels[z], shapely.contains_xy(outline, xs, ys), int(feature["properties"]["name"]))
    return labels


def coco(path, shape):
    from contextlib import redirect_stdout
    from pycocotools.coco import COCO

    with redirect_stdout(sys.stderr):
        found = COCO(path)
    labels = np.zeros(shape, int)
    for annotation in found.loadAnns(found.getAnnIds()):
        mask = found.annToMask(annotation).astype(bool)
        ys, xs = np.nonzero(mask)
        box = [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
        if annotation["bbox"] != box or annotation["area"] != mask.sum():
            raise SystemExit(f"box or area of {annotation['label']} is wrong")
        paint(labels[annotation["image_id"] - 1], mask, annotation["label"])
    return labels


def main(folder, shape):
    import pyarrow.csv
    import pyarrow.parquet
    import tifffile

    out = {"labels": {}, "tiff": {}}
    for name, read in {"roi.zip": rois, "objects.geojson": geojson, "polygon.json": coco, "rle.json": coco}.items():
        if (folder / name).exists():
            out["labels"][name] = read(str(folder / name), shape).ravel().tolist()
    for path in sorted(folder.glob("*.tif")):
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[0]
            x, y = (page.tags[tag].value for tag in ("XResolution", "YResolution"))
            out["tiff"][path.name] = {
                "dtype": str(tiff.series[0].dtype),
                "shape": list(tiff.series[0].shape),
                "unit": (tiff.imagej_metadata or {}).get("unit"),
                "z": (tiff.imagej_metadata or {}).get("spacing"),
                "size": [x[1] / x[0], y[1] / y[0]],
                "labels": tiff.asarray().ravel().tolist(),
            }
    if (folder / "table.parquet").exists():
        table = pyarrow.parquet.read_table(folder / "table.parquet")
        out["parquet"] = {
            "types": {field.name: str(field.type) for field in table.schema},
            "columns": table.to_pydict(),
            "metadata": {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()},
        }
        table = pyarrow.csv.read_csv(folder / "table.csv")
        out["csv"] = {"types": {f.name: str(f.type) for f in table.schema}, "columns": table.to_pydict()}
    print(json.dumps(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), tuple(json.loads(sys.argv[2])))
