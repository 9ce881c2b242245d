/** Colours of classes and objects. Colour is never the only sign: names are written at the cursor and in the lists. */

export type Rgb = readonly [red: number, green: number, blue: number];

/** Okabe and Ito's colours, which people with any kind of colour vision tell apart; the background's first. */
export const CLASS_COLOURS: readonly string[] = [
  '#56b4e9',
  '#e69f00',
  '#009e73',
  '#cc79a7',
  '#f0e442',
  '#0072b2',
  '#d55e00',
];

export const classColour = (value: number): string =>
  value === 0 ? CLASS_COLOURS[0] : CLASS_COLOURS[1 + ((value - 1) % (CLASS_COLOURS.length - 1))];

/** 0..255 each. @param hex `#rrggbb` */
export const rgbOf = (hex: string): Rgb =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;

/** The same, 0..1 each. */
export const unitRgbOf = (hex: string): Rgb => rgbOf(hex).map((value) => value / 255) as unknown as Rgb;

/** `#rrggbb`. @param colour 0..1 each */
export const hexOf = (colour: Rgb): string =>
  `#${colour
    .map((value) =>
      Math.round(255 * value)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;

/** Number of colours that objects are given; which one is decided by a hash of the number. */
export const OBJECT_COLOURS = 48;

/** 24 hues in two lightnesses. */
export function objectColours(): readonly Rgb[] {
  return Array.from({ length: OBJECT_COLOURS }, (_, i) =>
    oklch(i % 2 === 0 ? 0.78 : 0.62, 0.15, ((i >> 1) * 360) / 24),
  );
}

/** Oklch (Ottosson 2020) as sRGB, 0..255, cut to its gamut. */
export function oklch(lightness: number, chroma: number, hueDegrees: number): Rgb {
  const hue = (hueDegrees * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((value) => {
    const encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, encoded)));
  }) as unknown as Rgb;
}
