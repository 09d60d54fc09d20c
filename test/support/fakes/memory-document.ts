/** A document that keeps its value in memory only, as it would come back from the disk. */
import type { Document } from '../../../agent/store/document.ts';

export function memoryDocument<T>(initial: T, onWrite: (value: T) => void | Promise<void> = () => {}): Document<T> {
  let last: Promise<unknown> = Promise.resolve();
  const document = {
    value: initial,
    update(change: (value: T) => T): Promise<T> {
      const next = last.then(async () => {
        const value = structuredClone(change(document.value));
        await onWrite(value);
        document.value = value;
        return value;
      });
      last = next.catch(() => {});
      return next;
    },
  };
  return document;
}
