/** What a layout cuts: texts that end outside their box, pages wider than the screen, controls that lie over each other. */
import type { Page } from 'playwright-core';

/** ms after which what was being loaded or was moving is at its place. */
const SETTLED_MS = 500;

/** One line for each fault of the page, now and when it has settled. */
export async function lastingCuts(page: Page, name: string): Promise<string[]> {
  const found = await cuts(page);
  if (!found.length) return [];
  await page.waitForTimeout(SETTLED_MS);
  const still = await cuts(page);
  return found.filter((fault) => still.includes(fault)).map((fault) => `${name}: ${fault}`);
}

/** One line for each fault of the page as it is. */
export const cuts = (page: Page): Promise<string[]> => page.evaluate(collect);

/** Runs in the page. */
function collect(): string[] {
  /** px that rounding may make of a border. */
  const SLACK = 1.5;
  /** What belongs to a user or an agent may end in an ellipsis: its whole text is one tap away. */
  const foreign =
    '.ellipsis, .mono, pre, code, .diff, .diff-path, .tool-title, .markdown, .approval-text, .xterm, textarea, input, [data-foreign]';
  const found: string[] = [];
  const screen = document.documentElement;
  const wide = screen.scrollWidth - screen.clientWidth;
  if (wide > 0) found.push(`the page is ${wide} px wider than the screen`);

  const isShown = (element: Element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !element.closest('.sr-only, .skip, [inert], [aria-hidden=true]');

  const side = (rect: DOMRect, box: DOMRect, style: CSSStyleDeclaration): string | undefined => {
    const isClippedX = style.overflowX === 'hidden' || style.overflowX === 'clip';
    const isClippedY = style.overflowY === 'hidden' || style.overflowY === 'clip';
    if (isClippedX && (rect.left < box.left - SLACK || rect.right > box.right + SLACK)) return 'side';
    if (isClippedY && (rect.top < box.top - SLACK || rect.bottom > box.bottom + SLACK)) return 'end';
  };

  /** Where the text is cut, from its element outwards; what scrolls, and the top layer, are no cut beyond. */
  const cutOf = (rect: DOMRect, from: Element): string | undefined => {
    for (let box: Element | null = from; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      const cut = side(rect, box.getBoundingClientRect(), style);
      if (cut) return `cut at the ${cut} by <${box.tagName.toLowerCase()} class="${box.className}">`;
      if (box.matches('dialog') || /auto|scroll/.test(style.overflowX + style.overflowY)) return;
      if (box.matches('button, a') && rect.right - rect.left > box.getBoundingClientRect().width + SLACK) {
        return `wider than its ${box.className || box.tagName}`;
      }
    }
    if (rect.left < -SLACK || rect.right > innerWidth + SLACK) return 'outside the screen';
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent || !node.textContent?.trim() || parent.closest(foreign) || !isShown(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1) continue;
      const cut = cutOf(rect, parent);
      if (cut) {
        found.push(`“${node.textContent.trim().slice(0, 40)}” is ${cut}`);
        break;
      }
    }
  }

  const isScrolledAway = (control: Element, x: number, y: number) => {
    for (let box = control.parentElement; box; box = box.parentElement) {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      const isScrolling = /auto|scroll/.test(getComputedStyle(box).overflow);
      if (isScrolling && (x < left || x > right || y < top || y > bottom)) return true;
    }
    return false;
  };
  const controls = [...document.querySelectorAll<HTMLElement>('button, a.button, input, select')].filter(isShown);
  const top = document.querySelector('[role=dialog], dialog[open], .menu-list, [role=listbox]');
  const within = top ? controls.filter((control) => top.contains(control)) : controls;
  for (const control of within) {
    const { left, top, width, height } = control.getBoundingClientRect();
    const x = left + width / 2, y = top + height / 2;
    if (width < 1 || isScrolledAway(control, x, y) || x < 0 || y < 0 || x > innerWidth || y > innerHeight) continue;
    const hit = document.elementFromPoint(x, y);
    if (!hit || control.contains(hit) || hit.contains(control)) continue;
    const other = hit.closest('button, a.button, input, select');
    // A bar that stays in place: what is under it can be scrolled out.
    const bar = [...document.querySelectorAll('.comment-bar, .form-foot, .bottom-bar')].find((box) =>
      box.contains(hit)
    );
    if (bar && !bar.contains(control)) continue;
    if (other && !other.contains(control) && !(control as HTMLInputElement).labels?.length) {
      found.push(`“${control.innerText || control.ariaLabel}” lies under “${other.textContent || other.ariaLabel}”`);
    }
  }
  return [...new Set(found)];
}
