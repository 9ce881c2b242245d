import type { Image } from '../image/image.ts';

/** A grey image as characters: two pixels per character, one above the other, in the 24 greys of terminals. */
export function terminalPicture({ data, shape }: Image<'uint8'>): string {
  const [height, width] = shape as readonly [number, number];
  // 232 is nearly black, 255 nearly white.
  const grey = (x: number, y: number): number => 232 + Math.round(((data[y * width + x] ?? 0) * 23) / 255);
  const lines: string[] = [];
  for (let y = 0; y < height; y += 2) {
    let line = '  ';
    for (let x = 0; x < width; x++) {
      line += `\x1b[38;5;${grey(x, y)}m\x1b[48;5;${y + 1 < height ? grey(x, y + 1) : 232}m\u2580`;
    }
    lines.push(`${line}\x1b[0m`);
  }
  return lines.join('\n');
}
