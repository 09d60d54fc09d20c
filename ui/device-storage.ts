/**
 * What this device keeps beyond the page: the browser's localStorage. Where that is blocked (cookies refused, a sandboxed frame),
 * the page works all the same, and what it keeps lives as long as the page. The one place of ui/ that names localStorage.
 */

/** As `Storage`; `setItem` throws when it is full. */
export interface DeviceStorage {
  /** What it keeps ends with this page. */
  readonly isMemory?: boolean;
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

class MemoryStorage implements DeviceStorage {
  readonly isMemory = true;
  readonly #values = new Map<string, string>();
  get length(): number {
    return this.#values.size;
  }
  key(index: number): string | null {
    return [...this.#values.keys()][index] ?? null;
  }
  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }
  removeItem(key: string): void {
    this.#values.delete(key);
  }
}

/** @param browser gives the browser's own storage: throws, or gives none, where it is blocked */
export function openDeviceStorage(browser: () => Storage | null | undefined): DeviceStorage {
  try {
    const storage = browser();
    storage?.getItem('');
    return storage ?? new MemoryStorage();
  } catch {
    return new MemoryStorage();
  }
}

export const deviceStorage: DeviceStorage = openDeviceStorage(() => globalThis.localStorage);

/** Keeps a setting of this device; '' forgets it. When the storage is full it lives as long as what shows it. */
export function keep(key: string, value: string): void {
  try {
    if (value) deviceStorage.setItem(key, value);
    else deviceStorage.removeItem(key);
  } catch {
    // Full: nothing of the page depends on it.
  }
}

/** What the browser gives; undefined where there is no such thing, or it is blocked. @param get for example `() => indexedDB` */
export function ifAllowed<T>(get: () => T | null | undefined): T | undefined {
  try {
    return get() ?? undefined;
  } catch {
    return undefined;
  }
}

export const deviceDatabase = (): IDBFactory | undefined => ifAllowed(() => globalThis.indexedDB);
