"""Writes OME-Zarr stores with zarr-python into a folder: one per codec, type, key and layout. Prints per store what
zarr-python reads back: {name: {shape, dtype, crc32 of the values as little-endian bytes in C order}}."""

import json
import sys
import warnings
import zlib

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec

warnings.filterwarnings('ignore')
folder = sys.argv[1]
said = {}
rng = np.random.default_rng(3)


def values(shape, dtype):
    kind = np.dtype(dtype)
    if kind.kind == 'f':
        return rng.normal(size=shape).astype(dtype)
    if kind.kind == 'b':
        return rng.random(shape) > 0.5
    info = np.iinfo(kind)
    low, high = max(info.min, -(2**62)), min(info.max, 2**62)
    return rng.integers(low, high, size=shape, endpoint=True, dtype=np.int64 if kind.kind == 'i' else np.uint64).astype(dtype)


def multiscales(rank, version):
    names = 'tczyx'[5 - rank :]
    types = {'t': 'time', 'c': 'channel'}
    axes = [{'name': n, 'type': types.get(n, 'space')} for n in names]
    scale = [{'type': 'scale', 'scale': [1.0] * rank}]
    one = {'axes': axes, 'datasets': [{'path': '0', 'coordinateTransformations': scale}]}
    return [one | {'version': version}] if version == '0.4' else [one]


def store(name, data, zarr_format, keep=None, **options):
    group = zarr.open_group(f'{folder}/{name}.zarr', mode='w', zarr_format=zarr_format)
    version = '0.4' if zarr_format == 2 else '0.5'
    described = multiscales(data.ndim, version)
    group.attrs.update({'multiscales': described} if zarr_format == 2 else {'ome': {'version': version, 'multiscales': described}})
    options = {'chunks': tuple(min(16, n) for n in data.shape), 'fill_value': 0} | options
    array = group.create_array('0', shape=data.shape, dtype=data.dtype, **options)
    if keep is None:
        array[...] = data
    else:
        array[keep] = data[keep]
    read = np.ascontiguousarray(zarr.open_array(f'{folder}/{name}.zarr/0', mode='r')[...])
    read = read.astype(read.dtype.newbyteorder('<'))
    said[name] = {'shape': read.shape, 'dtype': str(read.dtype.name), 'crc32': zlib.crc32(read.tobytes())}


image = values((3, 37, 50), 'uint16')
for name, codecs in {
    'none': None,
    'zstd': ZstdCodec(level=3),
    'zstd-checksum': ZstdCodec(level=3, checksum=True),
    'gzip': GzipCodec(level=5),
    'crc32c': Crc32cCodec(),
    **{f'blosc-{c}-{s}': BloscCodec(cname=c, shuffle=s) for c in ('lz4', 'lz4hc', 'blosclz', 'zlib', 'zstd') for s in ('shuffle', 'bitshuffle')},
}.items():
    store(f'v3-{name}', image, 3, compressors=codecs)
    if name != 'zstd-checksum':
        store(f'v3-sharded-{name}', image, 3, compressors=codecs, shards=(3, 32, 32))
store('v3-sharded-at-start', image, 3, chunks=(1, 16, 16), compressors=None, filters=None, serializer=ShardingCodec(chunk_shape=(1, 8, 8), index_location='start', codecs=[BytesCodec(), ZstdCodec()]))
store('v3-sharded-index-without-checksum', image, 3, chunks=(1, 16, 16), compressors=None, filters=None, serializer=ShardingCodec(chunk_shape=(1, 8, 8), codecs=[BytesCodec()], index_codecs=[BytesCodec()]))
store('v3-transposed', image, 3, filters=[TransposeCodec(order=(1, 2, 0))])
store('v3-sharded-transposed', image, 3, filters=[TransposeCodec(order=(2, 0, 1))], shards=(3, 32, 32))
store('v3-big-endian', image, 3, serializer=BytesCodec(endian='big'))
store('v3-keys-of-v2', image, 3, chunk_key_encoding={'name': 'v2', 'separator': '.'})
store('v3-keys-with-dots', image, 3, chunk_key_encoding={'name': 'default', 'separator': '.'})
store('v3-five-axes', values((2, 3, 4, 17, 18), 'int16'), 3)
for dtype in 'bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64'.split():
    flat = values((37, 50), dtype)
    store(f'v3-{dtype}', flat, 3)
    store(f'v3-sharded-{dtype}', flat, 3, shards=(32, 32))
    store(f'v2-{dtype}', flat, 2)
    fill = True if dtype == 'bool' else 1.5 if dtype.startswith('float') else 7
    part = (slice(0, 16), slice(20, 50))
    store(f'v3-sparse-{dtype}', flat, 3, keep=part, fill_value=fill)
    store(f'v3-sharded-sparse-{dtype}', flat, 3, keep=part, fill_value=fill, shards=(32, 32))
    store(f'v2-sparse-{dtype}', flat, 2, keep=part, fill_value=fill)
for zarr_format in (2, 3):
    store(f'v{zarr_format}-sparse-nan', values((37, 50), 'float32'), zarr_format, keep=(slice(0, 16), slice(0, 16)), fill_value=float('nan'))
for name, codec in {
    'none': None,
    'zlib': numcodecs.Zlib(),
    'gzip': numcodecs.GZip(),
    'zstd': numcodecs.Zstd(),
    'lz4': numcodecs.LZ4(),
    **{f'blosc-{c}': numcodecs.Blosc(cname=c, shuffle=numcodecs.Blosc.BITSHUFFLE) for c in ('lz4', 'lz4hc', 'blosclz', 'zlib', 'zstd')},
}.items():
    store(f'v2-{name}', image, 2, compressors=codec)
store('v2-fortran', image, 2, order='F')
store('v2-big-endian', image.astype('>u2'), 2)
store('v2-keys-with-slashes', image, 2, chunk_key_encoding={'name': 'v2', 'separator': '/'})
store('v2-delta', image, 2, filters=[numcodecs.Delta(dtype='<u2')])
store('v2-shuffle', image, 2, filters=None, compressors=[numcodecs.Shuffle(elementsize=2)])
store('v2-fixed-scale-offset', (image // 16).astype('float64') / 4, 2, filters=[numcodecs.FixedScaleOffset(offset=0, scale=4, dtype='<f8', astype='<u2')])
json.dump(said, sys.stdout)
