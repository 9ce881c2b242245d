"""Small TIFF files as different programs write them, with what tifffile reads of them.

Usage: python scripts/golden/tiff_writers.py > test/golden/tiff_writers.json

Values are little-endian bytes in base64 in the order t c z y x; samples of a pixel count as channels, axes that tifffile
does not name (Q, I, P) as z. Files that tifffile cannot write are put together here from the structures that their
writers document. Pixel sizes and channel names stand beside the files: [value, unit] per axis.
"""

import base64
import io
import json
import re
import struct

import numpy as np
import tifffile
from tifffile import TIFF

random = np.random.default_rng(11)
cases = {}


def noise(*shape, dtype="uint8"):
    info = np.iinfo(dtype)
    return random.integers(info.min, info.max, shape, dtype, endpoint=True)


def smooth(*shape):
    """A picture that JPEG keeps well: slopes, each channel its own."""
    y, x, c = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    return ((3 * y + (2 + c) * x + 40 * c) % 256).astype("uint8")


def reference(data):
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        series = tiff.series[0]
        values, axes = series.asarray(), series.axes
        values = values.reshape([n for n, axis in zip(series.shape, axes)])
    axes = re.sub("[QIPR]", "Z", axes) if "Z" not in axes else axes
    for axis in "TCSZYX":
        if axis not in axes:
            values, axes = values[None], axis + axes
    values = values.transpose([axes.index(axis) for axis in "TCSZYX"])
    t, c, s, z, y, x = values.shape
    return values.reshape(t, c * s, z, y, x)


def add(name, data, spacing=None, channels=None, notes=None, values=None):
    values = reference(data) if values is None else values
    kept = [axis for axis, n in zip("tczyx", values.shape) if n > 1 or axis in "yx"]
    values = np.ascontiguousarray(values)
    cases[name] = {
        "file": base64.b64encode(data).decode(),
        "axes": "".join(kept),
        "shape": [n for axis, n in zip("tczyx", values.shape) if axis in kept],
        "dtype": values.dtype.name,
        "spacing": spacing or {},
        "values": base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode(),
        **({"channels": channels} if channels else {}),
        **({"notes": notes} if notes else {}),
    }


def refuse(name, data, message):
    cases[name] = {"file": base64.b64encode(data).decode(), "refused": message}


def written(values, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def several(*arrays, **options):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for values in arrays:
            writer.write(values, photometric="minisblack", **options)
    return file.getvalue()


# tifffile's own description.
grey = {"photometric": "minisblack"}
for axes, shape in {"TYX": (4,), "CYX": (4,), "ZYX": (4,), "ZCYX": (3, 2), "CZYX": (2, 3), "TCYX": (3, 2), "CTYX": (2, 3),
                    "TZCYX": (2, 3, 2), "ZTCYX": (3, 2, 2), "TCZYX": (2, 2, 3)}.items():
    for byteorder in "<>":
        add(f"tifffile {axes} {byteorder}", written(noise(*shape, 6, 7), metadata={"axes": axes}, byteorder=byteorder, **grey))
    add(f"tifffile {axes} without directories", written(noise(*shape, 6, 7, dtype="uint16"), metadata={"axes": axes}, truncate=True, **grey))
add("tifffile without axes", written(noise(3, 6, 7), **grey), notes=["does not say what its 3 pages are: they are read as slices"])
flat = noise(2, 3, 6, 7)
add("tifffile without axes, 2 x 3", written(flat, **grey), notes=["Q \\(2\\), Q \\(3\\) are read as slices"], values=flat.reshape(1, 1, 6, 6, 7))
in_planes = ["Its 3 planes are read as colours, as the file says"]
add("tifffile three slices that it takes for colours", written(noise(3, 6, 7)), channels=["red", "green", "blue"], notes=in_planes)
add("tifffile YXS", written(noise(6, 7, 3), photometric="rgb", metadata={"axes": "YXS"}), channels=["red", "green", "blue"])
add("tifffile ZYXS without directories", written(noise(4, 6, 7, 3), photometric="rgb", truncate=True, metadata={"axes": "ZYXS"}))
add("tifffile TSYX in planes", written(noise(4, 3, 6, 7), photometric="rgb", planarconfig="separate", metadata={"axes": "TSYX"}), notes=in_planes)
add("tifffile axes of one step", written(noise(1, 3, 1, 6, 7, 1), metadata={"axes": "TZCYXS"}, **grey))
add("tifffile positions", written(noise(3, 6, 7), metadata={"axes": "PYX"}, **grey), notes=["Its axis P is read as slices"])
add("tifffile two series", several(noise(3, 6, 7), noise(3, 6, 7)), notes=["contains 2 images .* only the first is read", "what its 3 pages are"])
add("tifffile two series of two sizes", several(noise(3, 6, 7), noise(5, 4)), notes=["contains 2 images .* only the first is read", "what its 3 pages are"])
add("tifffile with a unit", written(noise(3, 6, 7), resolution=(4, 2), metadata={"axes": "ZYX", "unit": "um", "spacing": 1.5}, **grey),
    spacing={"x": [0.25, "µm"], "y": [0.5, "µm"], "z": [1.5, "µm"]})
refuse("tifffile YXT", written(noise(6, 7, 3), metadata={"axes": "YXT"}, **grey), 'the axes "YXT" of its description are not supported')
refuse("tifffile volume in one page", written(np.zeros((16, 16, 16), "uint8"), tile=(16, 16, 16), compression="zlib", volumetric=True, **grey), "a volume of 16 slices in one TIFF page")

# Every kind of tiles and strips.
for planar in ["contig", "separate"]:
    for size in [(16, 16), (32, 16)]:
        add(f"tiles of {size}, {planar}", written(noise(20, 37, 3), photometric="rgb", tile=size, planarconfig="contig", metadata=None)
            if planar == "contig" else
            written(noise(3, 20, 37), photometric="rgb", tile=size, planarconfig="separate", metadata=None), channels=["red", "green", "blue"],
            notes=in_planes if planar == "separate" else None)
    add(f"strips of 5 rows, {planar}", written(noise(20, 37, 3), photometric="rgb", rowsperstrip=5, metadata=None)
        if planar == "contig" else written(noise(3, 20, 37), photometric="rgb", planarconfig="separate", rowsperstrip=5, metadata=None),
        notes=in_planes if planar == "separate" else None)
for dtype in ["int8", "int16", "int32", "int64", "uint64"]:
    add(f"{dtype} in deflated tiles", written(noise(18, 20, dtype=dtype), tile=(16, 16), compression="zlib", metadata=None))


def sparse(nodata, dtype):
    """Tiles of which only the second is there."""
    tiles = iter([b"", np.full((16, 16), 7, dtype).tobytes(), b"", b"", b"", b""])
    tags = [(42113, 2, None, nodata, True)] if nodata else []
    return written(tiles, shape=(20, 40), dtype=dtype, tile=(16, 16), metadata=None, extratags=tags, **grey)


for nodata in ["", "255", "-9999"]:
    for dtype in ["uint8", "int16", "float32"] if nodata != "-9999" else ["int16", "float32"]:
        add(f"tiles left out, {dtype}, nodata {nodata}", sparse(nodata, dtype))

# JPEG: tables of their own, colour spaces, subsampling, tiles at the border.
for subsampling in [(1, 1), (2, 1), (2, 2)]:
    for layout in [{"tile": (16, 16)}, {"rowsperstrip": 8}]:
        name = f"JPEG YCbCr {subsampling} {'tiles' if 'tile' in layout else 'strips'}"
        add(name, written(smooth(20, 37, 3), photometric="rgb", compression="jpeg", compressionargs={"level": 90}, subsampling=subsampling, metadata=None, **layout))
add("JPEG RGB", written(smooth(20, 37, 3), photometric="rgb", compression="jpeg", compressionargs={"level": 90, "outcolorspace": "RGB"}, tile=(16, 16), metadata=None))
add("JPEG grey", written(smooth(20, 37, 1)[..., 0], compression="jpeg", compressionargs={"level": 90}, tile=(16, 16), metadata=None))


def abbreviated(data):
    """A file of whole JPEG streams as libtiff writes it: their tables once, in JPEGTables."""
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        page = tiff.pages[0]
        streams = [data[offset : offset + count] for offset, count in zip(page.dataoffsets, page.databytecounts)]
        tables, tiles = None, []
        for stream in streams:
            shared, own, at = b"\xff\xd8", b"\xff\xd8", 2
            while stream[at + 1] != 0xDA:
                end = at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
                if stream[at + 1] in (0xDB, 0xC4):
                    shared += stream[at:end]
                else:
                    own += stream[at:end]
                at = end
            assert tables in (None, shared + b"\xff\xd9")
            tables = shared + b"\xff\xd9"
            tiles.append(own + stream[at:])
        return written(iter(tiles), shape=page.shape, dtype=page.dtype, tile=page.tile, photometric=page.photometric, compression="jpeg",
                       subsampling=page.subsampling, metadata=None, extratags=[(347, 7, len(tables), tables, True)])


add("JPEG with shared tables", abbreviated(written(smooth(40, 37, 3), photometric="rgb", compression="jpeg", compressionargs={"level": 90},
                                                   subsampling=(2, 2), tile=(16, 16), metadata=None)))
add("JPEG in planes", written(smooth(20, 37, 3).transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="jpeg",
                              compressionargs={"level": 90}, tile=(16, 16), metadata=None), notes=in_planes)


# MetaMorph: planes behind each other, facts in UIC tags.
def stk(planes, distances, times, unit=None):
    n, h, w = planes.shape
    out = bytearray(b"II*\0\0\0\0\0") + planes.astype("<u2").tobytes()
    uic2 = len(out)
    out += b"".join(struct.pack("<6I", round(d * 1000), 1000, 2459000, t, 2459000, 0) for d, t in zip(distances, times))
    size = len(out)
    out += struct.pack("<4I", 325, 1000, 650, 1000)
    text = len(out)
    out += struct.pack("<I", len(unit or "") + 1) + (unit or "").encode() + b"\0"
    uic1 = len(out)
    entries = [(4, size), (5, size + 8), (3, 1 if unit else 0), (6, text)]
    out += b"".join(struct.pack("<2I", *entry) for entry in entries)
    ifd = len(out)
    tags = [(256, 4, 1, w), (257, 4, 1, h), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1),
            (278, 4, 1, h), (279, 4, 1, 2 * h * w), (33628, 4, len(entries), uic1), (33629, 5, n, uic2)]
    out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    struct.pack_into("<I", out, 4, ifd)
    return bytes(out)


planes = noise(4, 6, 7, dtype="uint16")
xy = {"x": [0.325, "µm"], "y": [0.65, "µm"]}
add("MetaMorph z", stk(planes, [0.4] * 4, [5, 5, 5, 5], "um"), {**xy, "z": [0.4, "µm"]})
add("MetaMorph time", stk(planes, [0] * 4, [0, 2000, 4000, 6000], "microns"), {**xy, "t": [2, "s"]})
add("MetaMorph time, uneven", stk(planes, [0] * 4, [0, 2000, 4100, 9000], "um"), xy)
add("MetaMorph without calibration", stk(planes, [0] * 4, [0, 0, 0, 0]))


class Values(tuple):
    """Values of a tag of 16 or 32 bits that lie in their entry."""


def directories(data):
    at = 4
    while (ifd := struct.unpack_from("<I", data, at)[0]) != 0:
        (count,), tags = struct.unpack_from("<H", data, ifd), {}
        for entry in range(ifd + 2, ifd + 2 + 12 * count, 12):
            tag, kind, n = struct.unpack_from("<HHI", data, entry)
            size = {3: 2, 4: 4}.get(kind, 8)
            if n * size <= 4:
                tags[tag] = Values(struct.unpack_from(f"<{n}{'H' if size == 2 else 'I'}", data, entry + 8))
                tags[tag].at, tags[tag].size = entry + 8, size
        yield tags
        at = ifd + 2 + 12 * count


# Zeiss LSM: a structure in a tag of its own; every other page is a thumbnail.
def lsm(pages, scan, dims, interval=0.0, compression=None, names=(), apart=True):
    facts = {"MagicNumber": 67127628, "StructureSize": 600, "DimensionX": pages.shape[-1], "DimensionY": pages.shape[-2],
             "DimensionZ": 1, "DimensionChannels": 1, "DimensionTime": 1, "DataType": 1, "VoxelSizeX": 2e-7, "VoxelSizeY": 4e-7,
             "VoxelSizeZ": 9e-7, "ScanType": scan, "TimeIntervall": interval, **dims}
    code = {"u4": "I", "i4": "i", "f8": "d", "u2": "H", "u1": "B"}

    def info():
        out = b""
        for name, kind in TIFF.CZ_LSMINFO:
            times, one = re.match(r"(\d*)([uif]\d)$", kind).groups()
            out += struct.pack(f"<{times or 1}{code[one]}", *([facts.get(name, 0)] * int(times or 1)))
        return out.ljust(600, b"\0")

    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for i, page in enumerate(pages):
            tags = [(34412, 1, 600, info(), True)] if i == 0 else []
            planar = {"planarconfig": "separate"} if page.ndim == 3 else {}
            writer.write(page, metadata=None, software=False, extratags=tags, compression=compression, **grey, **planar)
            writer.write(np.zeros((3, 4, 5), "uint8"), photometric="rgb", planarconfig="separate", subfiletype=1, metadata=None, software=False)
    out = bytearray(file.getvalue())
    if names:
        texts = b"".join(struct.pack("<I", len(name) + 1) + name.encode() + b"\0" for name in names)
        block = struct.pack("<6I", 24 + 4 * len(names) + len(texts), len(names), len(names), 24, 24 + 4 * len(names), 0)
        struct.pack_into("<I", out, out.index(info()[:60]) + 108, len(out))
        out += block + bytes(4 * len(names)) + texts
    for i, tags in enumerate(directories(file.getvalue())):
        if i % 2 == 0 and len(tags[258]) == 2 and apart:
            # As older programs of Zeiss do it: two values of 16 bits that would fit lie elsewhere.
            struct.pack_into("<I", out, tags[258].at, len(out))
            out += struct.pack("<2H", *tags[258])
        if i % 2 == 0 and compression:
            # As LSM does it: the lengths of strips before they were packed.
            assert len(tags[279]) == 1
            struct.pack_into("<I" if tags[279].size == 4 else "<H", out, tags[279].at, pages[0].nbytes)
    return bytes(out)


um = {"x": [0.2, "µm"], "y": [0.4, "µm"]}
add("LSM z", lsm(noise(4, 6, 7), 0, {"DimensionZ": 4}), {**um, "z": [0.9, "µm"]})
add("LSM time", lsm(noise(4, 6, 7), 3, {"DimensionTime": 4}, 2.5), {**um, "t": [2.5, "s"]})
add("LSM time and z", lsm(noise(6, 6, 7), 6, {"DimensionTime": 2, "DimensionZ": 3}, 2.5), {**um, "z": [0.9, "µm"], "t": [2.5, "s"]})
two = noise(3, 2, 6, 7)
for apart in [True, False]:
    data = lsm(two, 0, {"DimensionZ": 3, "DimensionChannels": 2}, names=("Ch1-T1", "Ch2-T2"), apart=apart)
    # tifffile takes the values that are in their place for an offset.
    add(f"LSM two channels{', bits apart' if apart else ''}", data, {**um, "z": [0.9, "µm"]}, channels=["Ch1-T1", "Ch2-T2"],
        values=None if apart else two.transpose(1, 0, 2, 3)[None])
lzw = noise(3, 6, 7)
add("LSM LZW", lsm(lzw, 0, {"DimensionZ": 3}, compression="lzw"), {**um, "z": [0.9, "µm"]}, values=lzw[None, None])
scan = noise(1, 6, 7)
add("LSM x-z scan", lsm(scan, 1, {"DimensionZ": 6, "DimensionY": 1}), {"x": [0.2, "µm"], "y": [0.9, "µm"]},
    notes=["rows of its pages are slices"], values=scan[None, None])


# Micro-Manager: a map of pages at the head of the file.
def micromanager(order, shape, big=False, positions=1):
    """`order`: (channel, slice, frame, position) of each page as it lies in the file."""
    e = ">" if big else "<"
    summary = json.dumps({"MicroManagerVersion": "2.0.1", "Channels": shape[0], "Slices": shape[1], "Frames": shape[2], "Positions": positions,
                          "z-step_um": -0.5, "Interval_ms": 1500, "ChNames": ["DAPI", "GFP"], "SlicesFirst": True, "TimeFirst": False}).encode()
    out = bytearray((b"MM\0*" if big else b"II*\0") + bytes(36) + summary)
    pixels, entries, previous = noise(len(order), 6, 7), [], 4
    for i, place in enumerate(order):
        out += bytes(-len(out) % 2)
        ifd = len(out)
        text = json.dumps({"PixelSizeUm": 0.65, "ChannelIndex": place[0]}).encode() + b"\0"
        tags = [(256, 4, 1, 7), (257, 4, 1, 6), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, ifd + 162),
                (277, 3, 1, 1), (278, 4, 1, 6), (279, 4, 1, 42), (51123, 2, len(text), ifd + 162 + 42)]
        pack = lambda tag: struct.pack(f"{e}HHI", *tag[:3]) + struct.pack(f"{e}HH" if tag[1] == 3 else f"{e}I", *([tag[3], 0] if tag[1] == 3 else [tag[3]]))
        struct.pack_into(f"{e}I", out, previous, ifd)
        out += struct.pack(f"{e}H", len(tags)) + b"".join(map(pack, tags))
        previous = len(out)
        out += bytes(4)
        out += bytes(ifd + 162 - len(out)) + pixels[i].tobytes() + text
        entries.append((*place, ifd))
    index = len(out)
    out += struct.pack(f"{e}2I", 3453623, len(entries)) + b"".join(struct.pack(f"{e}5I", *entry) for entry in entries)
    struct.pack_into(f"{e}8I", out, 8, 54773648, index, 483765892, 0, 99384722, 0, 2355492, len(summary))
    return bytes(out)


mm = {"x": [0.65, "µm"], "y": [0.65, "µm"], "z": [0.5, "µm"], "t": [1.5, "s"]}
order = [(c, z, t, 0) for t in range(2) for c in range(2) for z in range(3)]
for big in [False, True]:
    add(f"Micro-Manager {'big' if big else 'little'}-endian", micromanager(order, (2, 3, 2), big), mm, channels=["DAPI", "GFP"])
mixed = [(c, z, t, 0) for z in range(3) for t in range(2) for c in range(2)]
add("Micro-Manager in another order", micromanager(mixed, (2, 3, 2)), mm, channels=["DAPI", "GFP"])


# OME: what belongs to the first image of the file.
def ome(values, xml):
    return written(values, description=f'<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:0a">{xml}</OME>', metadata=None, **grey)


def image(i, data, c=1, z=1, t=1, order="XYZCT", **more):
    extra = "".join(f' {key}="{value}"' for key, value in more.items())
    return (f'<Image ID="Image:{i}"><Pixels ID="Pixels:{i}" DimensionOrder="{order}" Type="uint8" SizeX="7" SizeY="6" SizeZ="{z}" SizeC="{c}" SizeT="{t}"{extra}>'
            + "".join(f'<Channel ID="Channel:{i}:{k}" SamplesPerPixel="1" Name="stain {k}"/>' for k in range(c)) + data + "</Pixels></Image>")


def own(i, place=(0, 0, 0), uuid="0a", count=1):
    c, z, t = place
    return f'<TiffData IFD="{i}" FirstC="{c}" FirstZ="{z}" FirstT="{t}" PlaneCount="{count}"><UUID FileName="file-{uuid}.ome.tif">urn:uuid:{uuid}</UUID></TiffData>'


six = noise(6, 6, 7)
note = ["contains 2 images \\(OME\\): only the first is read"]
add("OME two images", ome(six, image(0, own(0, count=3), z=3) + image(1, own(3, count=3), z=3)), notes=note)
add("OME two images, pages in turn", ome(six, image(0, "".join(own(2 * i, (0, i, 0)) for i in range(3)), z=3)
                                         + image(1, "".join(own(2 * i + 1, (0, i, 0)) for i in range(3)), z=3)), notes=note)
add("OME two images without numbers", ome(six, image(0, "<TiffData/>", z=3) + image(1, "<TiffData/>", z=3)), notes=note, values=six[None, None, :3])
part = ["one file of an OME-TIFF set of 6 planes: only its own 3 are read"]
add("OME one channel of a set", ome(six[:3], image(0, "".join(own(i, (1, i, 0)) for i in range(3)) + "".join(own(i, (0, i, 0), "0b") for i in range(3)), c=2, z=3,
                                                   PhysicalSizeX=0.5, PhysicalSizeXUnit="nm")),
    {"x": [0.5, "nm"]}, channels=["stain 1"], notes=part, values=six[None, None, :3])
refuse("OME gaps of a set", ome(six[:3], image(0, own(0, (0, 0, 0)) + own(1, (0, 1, 0)) + own(2, (1, 1, 0)) + own(0, (1, 0, 0), "0b"), c=2, z=2)),
       "its pages are some of those of an OME-TIFF set")
refuse("OME described elsewhere", ome(six, '<BinaryOnly MetadataFile="a.companion.ome" UUID="urn:uuid:0a"/>'), "stands in another file of its OME-TIFF set")

# Refused by name.
for number, name in {34933: "PNG", 34934: "JPEG XR", 50001: "WebP", 50002: "JPEG XL", 34887: "LERC", 34925: "LZMA", 33004: "JPEG 2000 \\(number 33004\\)", 50013: "PIXTIFF"}.items():
    data = bytearray(written(noise(6, 7), metadata=None))
    at = data.index(struct.pack("<HHI", 259, 3, 1)) + 8
    struct.pack_into("<H", data, at, number)
    refuse(f"compression {number}", bytes(data), f"TIFF compression {name} is not supported")
slide = several(noise(64, 64), noise(32, 32), tile=(16, 16), metadata=None, description="Aperio Image Library v12\r\n64x64 [0,0 64x64] (16x16)|AppMag = 20")
add("Aperio SVS", slide)

# JPEG 2000, by each of its numbers. What has photometric YCbCr is read as RGB (ITU-R BT.601).
colour = smooth(40, 52, 3)
tiled = {"tile": (32, 32), "metadata": None}
add("JPEG 2000", written(colour, photometric="rgb", compression="jpeg2000", **tiled))
add("JPEG 2000 in strips", written(colour, photometric="rgb", compression="jpeg2000", rowsperstrip=16, metadata=None))
add("JPEG 2000 in planes", written(colour.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="jpeg2000", **tiled), notes=["Its 3 planes are read as colours"])
add("JPEG 2000 of 16 bits", written(colour[..., 0].astype("uint16") * 257, byteorder=">", compression="jpeg2000", **tiled))
add("JPEG 2000 of signed values", written(colour[..., 0].astype("int16") * 250 - 30_000, compression="jpeg2000", **tiled))
add("JPEG 2000 of Aperio, RGB", written(colour, photometric="rgb", compression="APERIO_JP2000_RGB", compressionargs={"level": 40}, **tiled))
add("JPEG 2000 of Aperio, number of YCbCr with RGB", written(colour, photometric="rgb", compression="APERIO_JP2000_YCBC", **tiled))
y, cb, cr = (colour[..., k].astype("float64") - (0, 128, 128)[k] for k in range(3))
rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb])
ycbcr = written(colour, photometric="ycbcr", subsampling=(1, 1), compression="APERIO_JP2000_YCBC", compressionargs={"mct": False}, **tiled)
add("JPEG 2000 of Aperio, YCbCr", ycbcr, values=np.clip(np.rint(rgb), 0, 255).astype("uint8")[None, :, None])

# A density for print or a default says nothing of the specimen.
for name, resolution, unit in [("libvips", (10, 10), 3), ("72 per inch", (72, 72), 2), ("300 per inch in centimetres", (118.11, 118.11), 3),
                               ("96 per inch in whole centimetres", (38, 38), 3), ("1 per inch", (1, 1), 2), ("fax", (204, 96), 2), ("1200 per inch", (1200, 1200), 2)]:
    add(f"density of {name}", written(noise(6, 7), metadata=None, resolution=resolution, resolutionunit=unit))
add("density of a microscope", written(noise(6, 7), metadata=None, resolution=(15384, 15384), resolutionunit=3), {"x": [round(1e4 / 15384, 9), "µm"], "y": [round(1e4 / 15384, 9), "µm"]})
add("pages without a description", written(noise(3, 6, 7), metadata=None, **grey), notes=["does not say what its 3 pages are: they are read as slices"])
add("white is zero", written(noise(6, 7), photometric="miniswhite", metadata=None), notes=["shows 0 as white: values are kept as stored"])
mixed = io.BytesIO()
with tifffile.TiffWriter(mixed) as writer:
    for photometric in ["miniswhite", "minisblack"]:
        writer.write(noise(6, 7), photometric=photometric, metadata=None)
refuse("pages of which one shows 0 as white", mixed.getvalue(), "its 2 pages differ \\(7 x 6 uint8 white is zero; 7 x 6 uint8\\)")
turned = written(noise(6, 7), metadata=None, extratags=[(274, 3, 1, 6, True)])
add("orientation", turned, notes=["orientation 6"])

versions = {"tifffile": tifffile.__version__, "numpy": np.__version__}
lines = [f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(case, ensure_ascii=False)}" for name, case in cases.items()]
print(f'{{\n  "versions": {json.dumps(versions)},\n  "files": {{\n' + ",\n".join(lines) + "\n  }\n}")
