/** Runs actions on one repository one after another: git's own locks fail instead of waiting. */
const locks = new Map<string, Promise<unknown>>();

/** Runs `action` when all earlier ones with the same key have settled. */
export function withRepository<T>(key: string, action: () => Promise<T>): Promise<T> {
  const before = locks.get(key) ?? Promise.resolve();
  const turn = before.then(action, action);
  const settled = turn.catch(() => {});
  locks.set(key, settled);
  void settled.then(() => locks.get(key) === settled && locks.delete(key));
  return turn;
}
