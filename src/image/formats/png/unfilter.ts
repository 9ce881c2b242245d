/**
 * Undoes the filters of PNG (section 9): every row starts with a byte that states how its bytes were predicted from
 * those to the left (a), above (b), and above to the left (c).
 *
 * @param filtered rows of 1 + `rowBytes` bytes
 * @param pixelBytes distance of a byte to its neighbour on the left: bytes per pixel, at least 1
 * @returns the rows without their first byte
 * @throws Error for a filter that PNG does not define
 */
export function unfilter(filtered: Uint8Array, rowBytes: number, pixelBytes: number): Uint8Array {
  const rows = filtered.length / (rowBytes + 1);
  const out = new Uint8Array(rows * rowBytes);
  // The row above the first is zero.
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0, from = 0; y < rows; y++, from += rowBytes + 1) {
    const row = out.subarray(y * rowBytes, (y + 1) * rowBytes);
    row.set(filtered.subarray(from + 1, from + 1 + rowBytes));
    undo(filtered[from], row, above, pixelBytes);
    above = row;
  }
  return out;
}

function undo(filter: number, row: Uint8Array, above: Uint8Array, pixelBytes: number): void {
  const n = row.length;
  switch (filter) {
    case 0:
      return;
    case 1:
      for (let i = pixelBytes; i < n; i++) row[i] = row[i] + row[i - pixelBytes];
      return;
    case 2:
      for (let i = 0; i < n; i++) row[i] = row[i] + above[i];
      return;
    case 3:
      for (let i = 0; i < n; i++) {
        const a = i < pixelBytes ? 0 : row[i - pixelBytes];
        row[i] = row[i] + ((a + above[i]) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < n; i++) {
        const left = i >= pixelBytes;
        const a = left ? row[i - pixelBytes] : 0;
        const b = above[i];
        const c = left ? above[i - pixelBytes] : 0;
        // Distances of a + b - c to a, b and c; the first in case of a tie.
        const toA = Math.abs(b - c);
        const toB = Math.abs(a - c);
        const toC = Math.abs(a + b - 2 * c);
        row[i] = row[i] + (toA <= toB && toA <= toC ? a : toB <= toC ? b : c);
      }
      return;
    default:
      throw new Error(`there is no filter ${filter}`);
  }
}
