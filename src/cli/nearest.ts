/** Edit distance (insertion, deletion, substitution, transposition) between two words. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (before[j - 2] as number) + 1);
      }
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}

/** The known word that was probably meant: it starts with the given one, or differs in at most a third of it. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const begun = wanted.length >= 3 && candidate.toLowerCase().startsWith(wanted);
    const edits = Math.min(begun ? 0.5 : Number.POSITIVE_INFINITY, distance(wanted, candidate.toLowerCase()));
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return bestDistance <= Math.max(2, wanted.length / 3) ? best : undefined;
}
