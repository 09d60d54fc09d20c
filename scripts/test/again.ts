/**
 * Runs what failed once more and puts the second outcome in the place of the first. A test that holds a time against a bound can
 * fail beside others; one that is wrong fails again.
 * @param onOutcome is given each second outcome
 * @returns the first outcomes of what passed at the second try
 */
export async function secondTries<T extends { file: string; failed: number }>(
  outcomes: T[],
  run: (file: string) => Promise<T>,
  onOutcome: (outcome: T) => void,
): Promise<T[]> {
  const unsteady: T[] = [];
  for (const [i, first] of outcomes.entries()) {
    if (!first.failed) continue;
    const second = outcomes[i] = await run(first.file);
    onOutcome(second);
    if (!second.failed) unsteady.push(first);
  }
  return unsteady;
}
