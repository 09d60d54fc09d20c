/** Calls a callback of the connection's user. What it throws becomes an uncaught exception in a later microtask: the connection goes on. */
export function invokeCallback<T>(callback: ((argument: T) => void) | null, argument: T): void {
  try {
    callback?.(argument);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
