/** Colours as DICOM states them. */

/**
 * CIELab of a colour in sRGB, 0 to 255, as three numbers of 16 bits (PS3.3 C.10.7.1.1): L* of 0 to 100, and a* and b* of
 * -128 to 127, stretched to 0 to 65535. White is D50; sRGB's D65 is adapted by Bradford's matrix.
 */
export function cielab([red, green, blue]: readonly [number, number, number]): readonly [number, number, number] {
  const [r, g, b] = [red, green, blue].map((value) => linear(value / 255)) as [number, number, number];
  // From linear sRGB to XYZ of D50, divided by its white.
  const x = (0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / 0.96422;
  const y = 0.2225045 * r + 0.7168786 * g + 0.0606169 * b;
  const z = (0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / 0.82521;
  const [fx, fy, fz] = [x, y, z].map(lightness) as [number, number, number];
  const stretched = (value: number, least: number, most: number): number =>
    Math.round((65_535 * Math.min(most - least, Math.max(0, value - least))) / (most - least));
  return [
    stretched(116 * fy - 16, 0, 100),
    stretched(500 * (fx - fy), -128, 127),
    stretched(200 * (fy - fz), -128, 127),
  ];
}

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const lightness = (value: number): number =>
  value > 216 / 24_389 ? Math.cbrt(value) : ((24_389 / 27) * value + 16) / 116;
