import { copyBox, offsetIn, placesIn, stridesOf } from '../../src/array/boxes.ts';
import { allocate, type DType, elementCount, type Storage } from '../../src/array/ndarray.ts';
import type { ImageSink } from '../../src/image/sink.ts';

/** Writes an image unit by unit. @param options backwards: the last first */
export async function writeAll(
  sink: ImageSink,
  data: Storage[DType],
  { backwards = false }: { readonly backwards?: boolean } = {},
): Promise<void> {
  const { info, unit } = sink;
  const { shape, dtype } = info;
  const strides = stridesOf(shape);
  const counts = shape.map((length, i) => Math.ceil(length / (unit[i] as number)));
  const places = [
    ...placesIn(
      shape.map(() => 0),
      counts,
    ),
  ];
  for (const place of backwards ? places.reverse() : places) {
    const start = place.map((p, i) => p * (unit[i] as number));
    const size = start.map((at, i) => Math.min(unit[i] as number, (shape[i] as number) - at));
    const part = allocate(dtype, elementCount(size));
    copyBox(data, offsetIn(start, strides), strides, part, 0, stridesOf(size), size);
    await sink.write({ start, shape: size }, part);
  }
  await sink.finish();
}

/** Values of which no two neighbours are alike, and of every byte of a dtype. */
export function pattern<D extends DType>({
  dtype,
  shape,
}: { readonly shape: readonly number[] } & { readonly dtype: D }): Storage[D] {
  const data = allocate(dtype, elementCount(shape));
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let i = 0; i < data.length; i++) {
    const value = (i * 2_654_435_761) % 4_294_967_291;
    if (isBig) data[i] = BigInt(value) * 2_147_483_647n;
    else data[i] = dtype.startsWith('float') && dtype !== 'float16' ? value / 7 : dtype === 'bool' ? value % 2 : value;
  }
  return data;
}
