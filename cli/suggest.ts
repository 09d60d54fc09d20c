/** "Did you mean …": the nearest of a list of words. */

/** Words further away than this are no typing mistake. */
const MAX_DISTANCE = 2;

/** @returns the name of `names` that takes the fewest changed letters to reach, or null when none is near */
export function nearest(word: string, names: readonly string[]): string | null {
  const scored = names.map((name) => ({ name, distance: editDistance(word, name) })).sort((a, b) =>
    a.distance - b.distance
  );
  const best = scored[0];
  return best && best.distance <= Math.min(MAX_DISTANCE, word.length - 1) ? best.name : null;
}

/** Damerau–Levenshtein distance (adjacent letters may be swapped in one step). */
export function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
