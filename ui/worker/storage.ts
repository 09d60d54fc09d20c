/** A few values that the worker and the pages share: IndexedDB, the only storage that a worker has. */
import { deviceDatabase } from '../device-storage.ts';

export interface KeyValueStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
}

const DATABASE = 'agent-monitor';
const TABLE = 'values';

/** Opened on each use: a worker lives for seconds, and a browser may take the storage away in between. */
export function openStore(factory: IDBFactory | undefined = deviceDatabase()): KeyValueStore {
  return {
    get: (key) => inTable(factory, 'readonly', (table) => table.get(key)),
    set: async (key, value) => void await inTable(factory, 'readwrite', (table) => table.put(value, key)),
  };
}

async function inTable(
  factory: IDBFactory | undefined,
  mode: IDBTransactionMode,
  use: (table: IDBObjectStore) => { result: unknown },
): Promise<unknown> {
  if (!factory) throw new Error('The storage is blocked.');
  const database = await open(factory);
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const request = use(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () =>
        reject(transaction.error ?? new Error('The storage is closed.'));
    });
  } finally {
    database.close();
  }
}

function open(factory: IDBFactory): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(DATABASE, 1);
    request.onupgradeneeded = () => void request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error ?? new Error('The storage is blocked.'));
  });
}
