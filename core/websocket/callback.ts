/** A fault in the user's code is not the connection's: it comes out as an uncaught exception of its own, in a later turn. */
export function callUser<T>(callback: ((argument: T) => void) | null, argument: T): void {
  try {
    callback?.(argument);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
