import { html, useId, useLayoutEffect, useRef, useState } from '../html.ts';
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
  const end = (visualViewport?.height ?? innerHeight) - bar - GAP;
  return bottom + height <= end || top - GAP < height;
}

/** A button that opens a list of actions. Arrow keys move, Escape closes and gives the focus back. */
export function Menu({ label, icon = 'more', items }: { label: string; icon?: IconName; items: readonly MenuItem[] }) {
  const [open, setOpen] = useState(false);
  const [up, setUp] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  const trigger = () => box.current?.querySelector<HTMLElement>('[aria-haspopup]');
  useLayoutEffect(() => {
    if (!open) return;
    setUp(!fitsBelow(box.current!));
    box.current?.querySelector<HTMLElement>('[role=menuitem]:not([disabled])')?.focus();
    const outside = (event: Event) => !box.current?.contains(event.target as Node) && setOpen(false);
    addEventListener('pointerdown', outside);
    return () => removeEventListener('pointerdown', outside);
  }, [open]);
  function onKey(event: KeyboardEvent) {
    if (event.key === 'Escape' && open) {
      event.stopPropagation();
      setOpen(false);
      trigger()?.focus();
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!step || !open) return;
    event.preventDefault();
    const all = [...box.current!.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])')];
    all[(all.indexOf(document.activeElement as HTMLElement) + step + all.length) % all.length]?.focus();
  }
  return html`<div class="menu" ref=${box} onKeyDown=${onKey}>
    <${IconButton} icon=${icon} label=${label} aria-haspopup="menu" aria-expanded=${open} aria-controls=${id} onClick=${() =>
    setOpen(!open)} />
    ${
    open && html`<div class=${`menu-list ${up ? 'up' : ''}`} role="menu" id=${id} aria-label=${label}>
      ${
      items.map((item) =>
        html`
          <button key=${item.label} type="button" role="menuitem" class=${item.tone ?? ''} disabled=${item.disabled}
            onClick=${() => {
              setOpen(false);
              trigger()?.focus();
              item.onSelect();
            }}>${item.icon && html`<${Icon} name=${item.icon} size=${18} />`}${item.label}</button>
        `
      )
    }
    </div>`
  }
  </div>`;
}
