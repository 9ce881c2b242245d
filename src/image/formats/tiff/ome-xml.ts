/** OME-XML of a file as it is written. Source: OME schema 2016-06. */

import { sizes } from '../../image.ts';
import type { ImageInfo } from '../../source.ts';

/** Names of the dtypes that OME has. */
export const OME_TYPES: Readonly<Record<string, string>> = {
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  float32: 'float',
  float64: 'double',
};

/** Units of OME under our names for them. */
const LENGTHS: Readonly<Record<string, string>> = {
  µm: 'µm',
  nm: 'nm',
  mm: 'mm',
  cm: 'cm',
  m: 'm',
  pm: 'pm',
  Å: 'Å',
  inch: 'in',
};
const TIMES = new Set(['s', 'ms', 'µs', 'ns', 'min', 'h']);

/**
 * The description of one image whose pages follow one another with z fastest, then channels, then times.
 * @param options samples: channels that are the samples of one page; name: of the image
 */
export function omeXml(
  info: ImageInfo,
  { samples, name }: { readonly samples: number; readonly name: string },
): string {
  const { times, channels, slices, height, width } = sizes(info);
  const { x, y, z, t } = info.spacing;
  const lengths = Object.entries({ X: x, Y: y, Z: z }).flatMap(([axis, spacing]) => {
    const unit = LENGTHS[spacing?.unit ?? ''];
    return spacing === undefined || unit === undefined
      ? []
      : [[`PhysicalSize${axis}`, spacing.value] as const, [`PhysicalSize${axis}Unit`, unit] as const];
  });
  const interval = t !== undefined && TIMES.has(t.unit) ? { TimeIncrement: t.value, TimeIncrementUnit: t.unit } : {};
  const pixels = {
    ID: 'Pixels:0',
    DimensionOrder: 'XYZCT',
    Type: OME_TYPES[info.dtype],
    BigEndian: 'false',
    SizeX: width,
    SizeY: height,
    SizeZ: slices,
    SizeC: channels,
    SizeT: times,
    ...Object.fromEntries(lengths),
    ...interval,
  };
  const described = Array.from({ length: channels / samples }, (_, c) => {
    const label = samples === 1 ? info.channels?.[c] : undefined;
    return `<Channel${attributes({ ID: `Channel:0:${c}`, Name: label, SamplesPerPixel: samples })}/>`;
  });
  const pages = (times * channels * slices) / samples;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"',
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    ' xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06',
    ' http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="Lamella">',
    `<Image${attributes({ ID: 'Image:0', Name: name })}>`,
    // As in the TIFF of ImageJ: OME has no word for it.
    info.labelKind === undefined ? '' : `<Description>label_kind=${info.labelKind}</Description>`,
    `<Pixels${attributes(pixels)}>`,
    ...described,
    `<TiffData${attributes({ IFD: 0, PlaneCount: pages })}/></Pixels></Image></OME>`,
  ].join('');
}

const attributes = (values: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(values)
    .map(([name, value]) => (value === undefined ? '' : ` ${name}="${escaped(String(value))}"`))
    .join('');

/** Texts in TIFF are ASCII of 7 bits: all else is a reference to its character. Control characters are not XML. */
function escaped(text: string): string {
  return [...text]
    .map((letter) => {
      if (/[ !#-%'-;=?-~]/.test(letter)) return letter;
      return letter < ' ' ? ' ' : `&#${letter.codePointAt(0)};`;
    })
    .join('');
}
