/**
 * Eigenvalues and eigenvectors of a small symmetric matrix, in descending order of the values, by Jacobi rotations.
 * @param matrix row-major [size, size]
 */
export function symmetricEigen(
  matrix: readonly number[],
  size: number,
): readonly { readonly value: number; readonly vector: readonly number[] }[] {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(size * size);
  for (let i = 0; i < size; i++) v[i * size + i] = 1;
  const at = (m: Float64Array, i: number, j: number): number => m[i * size + j];
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0;
    for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) off += at(a, i, j) ** 2;
    if (off === 0) break;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        if (at(a, p, q) === 0) continue;
        // Golub & Van Loan, algorithm 8.4.1.
        const tau = (at(a, q, q) - at(a, p, p)) / (2 * at(a, p, q));
        const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        const s = t * c;
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [at(a, k, p), at(a, k, q)];
          a[k * size + p] = c * kp - s * kq;
          a[k * size + q] = s * kp + c * kq;
        }
        for (let k = 0; k < size; k++) {
          const [pk, qk] = [at(a, p, k), at(a, q, k)];
          a[p * size + k] = c * pk - s * qk;
          a[q * size + k] = s * pk + c * qk;
        }
        for (let k = 0; k < size; k++) {
          const [kp, kq] = [at(v, k, p), at(v, k, q)];
          v[k * size + p] = c * kp - s * kq;
          v[k * size + q] = s * kp + c * kq;
        }
      }
    }
  }
  return Array.from({ length: size }, (_, j) => ({
    value: at(a, j, j),
    vector: Array.from({ length: size }, (__, i) => at(v, i, j)),
  })).sort((x, y) => y.value - x.value);
}
