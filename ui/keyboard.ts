/** A key that an input method takes: it ends a conversion and is meant for nothing else. Safari tells of it by keyCode alone. */
export const isComposing = ({ isComposing, keyCode }: KeyboardEvent): boolean => isComposing || keyCode === 229;

/**
 * The soft keyboard: `--viewport` is the height that is really visible and <html class="keyboard"> says that the keyboard is
 * up, so that what stands at the bottom stays above it (iOS does not resize the page).
 */
const KEYBOARD_MIN = 120;

export function followKeyboard(): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const root = document.documentElement;
  let tallest = viewport.height;
  let width = viewport.width;
  const measure = () => {
    if (viewport.scale > 1.01) return; // zoomed in: not a keyboard
    if (viewport.width !== width) [tallest, width] = [viewport.height, viewport.width];
    tallest = Math.max(tallest, viewport.height);
    const typing = document.activeElement?.matches('input, textarea, [contenteditable]') ?? false;
    root.classList.toggle('keyboard', typing && tallest - viewport.height > KEYBOARD_MIN);
    root.style.setProperty('--viewport', `${viewport.height}px`);
    root.style.setProperty('--viewport-top', `${viewport.offsetTop}px`);
  };
  viewport.addEventListener('resize', measure);
  viewport.addEventListener('scroll', measure);
  measure();
}
