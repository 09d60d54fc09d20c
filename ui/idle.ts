/** How long a browser that cannot say when it is idle (Safari) is left alone, ms. */
const REST_MS = 50;

/**
 * Calls back once the page has nothing else to do.
 * @param timeout ms after which it is called all the same
 * @returns the function that takes the call back
 */
export function whenIdle(callback: () => void, timeout?: number): () => void {
  if ('requestIdleCallback' in globalThis) {
    const id = requestIdleCallback(callback, timeout === undefined ? {} : { timeout });
    return () => cancelIdleCallback(id);
  }
  const id = setTimeout(callback, REST_MS);
  return () => clearTimeout(id);
}
