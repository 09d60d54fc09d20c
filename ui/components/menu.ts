import { html, useId, useLayoutEffect, useRef, useState } from '../html.ts';
import { useBack } from '../back.ts';
import { IconButton } from './button.ts';
import { Icon } from './icon.ts';
import type { IconName } from './icon.ts';

/** Between a list, its button and the edge of the screen; px. */
const GAP = 4;

export interface MenuItem {
  label: string;
  icon?: IconName;
  tone?: 'danger';
  disabled?: boolean;
  onSelect: () => void;
}

/** Whether the list has room between its button and the end of what is seen; when it has more room above it, it has not. */
function fitsBelow(menu: HTMLElement): boolean {
  const { height } = menu.querySelector('.menu-list')!.getBoundingClientRect();
  const { top, bottom } = menu.getBoundingClientRect();
  const bar = document.querySelector<HTMLElement>('.bottom-bar')?.offsetHeight ?? 0;
  // What scrolls by itself cuts off what goes beyond it.
  const box = menu.closest('.chat-scroll')?.getBoundingClientRect();
  const end = Math.min((visualViewport?.height ?? innerHeight) - bar, box?.bottom ?? Infinity) - GAP;
  return bottom + height <= end || top - GAP - (box?.top ?? 0) < height;
}

interface MenuProps {
  label: string;
  icon?: IconName;
  items: readonly MenuItem[];
}

/** A button that opens a list of actions. Arrow keys move, Escape and Back close it and give the focus back. */
export function Menu({ label, icon = 'more', items }: MenuProps) {
  const [open, setOpen] = useState(false);
  const [isAbove, setAbove] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    box.current?.querySelector<HTMLElement>('[aria-haspopup]')?.focus();
  };
  useBack(close, open);
  useLayoutEffect(() => {
    if (!open) return;
    setAbove(!fitsBelow(box.current!));
    usableItems(box.current!)[0]?.focus();
    const outside = (event: Event) => !box.current?.contains(event.target as Node) && setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  const list = open && html`
    <div class=${`menu-list ${isAbove ? 'up' : ''}`} role="menu" id=${id} aria-label=${label}>
      ${items.map((item) => html`<${MenuRow} key=${item.label} item=${item} close=${close} />`)}
    </div>
  `;
  return html`
    <div class="menu" ref=${box} onKeyDown=${(event: KeyboardEvent) => open && onKey(event, box.current!, close)}>
      <${IconButton}
        icon=${icon}
        label=${label}
        aria-haspopup="menu"
        aria-expanded=${open}
        aria-controls=${id}
        onClick=${() => setOpen(!open)}
      />
      ${list}
    </div>
  `;
}

const usableItems = (menu: HTMLElement): HTMLElement[] => [
  ...menu.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])'),
];

/** A key pressed in an open menu. */
function onKey(event: KeyboardEvent, menu: HTMLElement, close: () => void): void {
  if (event.key === 'Escape') {
    event.stopPropagation();
    close();
  }
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
  if (!step) return;
  event.preventDefault();
  const items = usableItems(menu);
  const at = items.indexOf(document.activeElement as HTMLElement);
  items[(at + step + items.length) % items.length]?.focus();
}

function MenuRow({ item, close }: { item: MenuItem; close: () => void }) {
  const select = () => {
    close();
    item.onSelect();
  };
  return html`
    <button type="button" role="menuitem" class=${item.tone ?? ''} disabled=${item.disabled} onClick=${select}>
      ${item.icon && html`<${Icon} name=${item.icon} size=${18} />`}
      ${item.label}
    </button>
  `;
}
