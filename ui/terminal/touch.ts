/**
 * Scrolling by finger: xterm.js knows wheels only. A drag becomes wheel events, so that it scrolls what a wheel would (the
 * scrollback, or the program itself in a full-screen program), and goes on a little after the finger is lifted.
 */
const FRICTION = 0.94;
/** Pixels per millisecond below which it stands still. */
const REST = 0.05;
/** Pixels before a touch is a drag and not a tap. */
const SLOP = 6;

/** @returns the end of it */
export function scrollByTouch(element: HTMLElement): () => void {
  let y = 0;
  let at = 0;
  let velocity = 0;
  let isDragging = false;
  let frame = 0;
  const wheel = (deltaY: number, touch: { clientX: number; clientY: number }) =>
    element.querySelector('.xterm-screen')?.dispatchEvent(
      new WheelEvent('wheel', {
        deltaY,
        clientX: touch.clientX,
        clientY: touch.clientY,
        bubbles: true,
        cancelable: true,
      }),
    );
  let last = { clientX: 0, clientY: 0 };

  const start = (event: TouchEvent) => {
    cancelAnimationFrame(frame);
    isDragging = false;
    velocity = 0;
    y = event.touches[0]!.clientY;
    at = event.timeStamp;
  };
  const move = (event: TouchEvent) => {
    if (event.touches.length !== 1) return;
    const touch = event.touches[0]!;
    const delta = y - touch.clientY;
    if (!isDragging && Math.abs(delta) < SLOP) return;
    isDragging = true;
    event.preventDefault();
    wheel(delta, touch);
    velocity = delta / Math.max(1, event.timeStamp - at);
    [y, at, last] = [touch.clientY, event.timeStamp, touch];
  };
  const end = (event: TouchEvent) => {
    if (!isDragging || event.timeStamp - at > 80) return;
    let before = performance.now();
    const glide = (now: number) => {
      wheel(velocity * (now - before), last);
      velocity *= FRICTION ** ((now - before) / 16);
      before = now;
      if (Math.abs(velocity) > REST) frame = requestAnimationFrame(glide);
    };
    frame = requestAnimationFrame(glide);
  };
  element.addEventListener('touchstart', start, { passive: true });
  element.addEventListener('touchmove', move, { passive: false });
  element.addEventListener('touchend', end, { passive: true });
  return () => {
    cancelAnimationFrame(frame);
    element.removeEventListener('touchstart', start);
    element.removeEventListener('touchmove', move);
    element.removeEventListener('touchend', end);
  };
}
