/**
 * Functions with the same bits in every JavaScript engine. ECMAScript leaves the last bits of `Math.atan2`, `Math.cbrt` and
 * others to engines: Chromium 156 and Node 20.20 differ in a fifth and a twelfth of their results. These use sums, products,
 * quotients and square roots alone, which are exactly defined.
 */

/** The angle of a direction, as `Math.atan2` but for the last bits: -pi..pi; NaN for no direction. */
export function portableAtan2(y: number, x: number): number {
  const [height, width] = [Math.abs(y), Math.abs(x)];
  // The tangent of half of the angle, halved three times more, and the arctangent's series.
  let t = height / (width + Math.sqrt(height * height + width * width));
  for (let i = 0; i < 3; i++) t /= 1 + Math.sqrt(1 + t * t);
  let sum = 0;
  for (let n = 17; n > 0; n -= 2) sum = (n % 4 === 1 ? 1 : -1) / n + t * t * sum;
  const angle = 16 * t * sum;
  return (x < 0 ? Math.PI - angle : angle) * (1 / y < 0 ? -1 : 1);
}

/** As `Math.cbrt` but for the last bits, of a number above 0: by Newton's steps, which come down to it until they change nothing. */
export function portableCbrt(x: number): number {
  for (let root = Math.max(x, 1); ; ) {
    const next = (2 * root + x / (root * root)) / 3;
    if (!(next < root)) return root;
    root = next;
  }
}
