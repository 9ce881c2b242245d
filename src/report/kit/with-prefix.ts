/** `1.94 M`: three digits and a metric prefix, with a no-break space. */
export function withPrefix(n: number): string {
  for (const [prefix, unit] of [
    ['T', 1e12],
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (n >= unit) return `${Number((n / unit).toPrecision(3))}\u00a0${prefix}`;
  }
  return String(Number(n.toPrecision(3)));
}
