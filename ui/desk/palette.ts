import { html, useEffect, useMemo, useRef, useState } from '../html.ts';
import { useApp } from '../app.ts';
import { Dialog, Icon } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import { usePath } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { matching, paletteItems, searchItems } from './palette-items.ts';
import type { PaletteItem } from './palette-items.ts';
import type { PanelProps } from './panel.ts';

/** One field that finds agents, pages and actions. */
export default function Palette({ onClose }: PanelProps) {
  const app = useApp();
  const agents = useSignalValue(app.fleet.agents);
  const path = usePath();
  const [text, setText] = useState('');
  const [position, setPosition] = useState(0);
  const items = useMemo(() => paletteItems(app, path), [agents, path]);
  const shown = [...matching(items, text), ...searchItems(text)];
  const chosen = Math.min(position, shown.length - 1);
  useEffect(() => setPosition(0), [text]);
  function run(item: PaletteItem | undefined) {
    if (!item) return;
    onClose();
    item.run();
  }
  function onKey(event: KeyboardEvent) {
    if (isComposing(event)) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step && shown.length) setPosition((chosen + step + shown.length) % shown.length);
    else if (event.key === 'Enter') run(shown[chosen]);
    else return;
    event.preventDefault();
  }
  return html`
    <${Dialog} title=${t.desk.palette} onClose=${onClose}>
      <input
        class="input"
        type="text"
        role="combobox"
        autofocus
        autocomplete="off"
        aria-label=${t.desk.palette}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant=${shown.length ? `palette-${chosen}` : undefined}
        placeholder=${t.desk.paletteHint}
        value=${text}
        onInput=${(event: Event) => setText((event.target as HTMLInputElement).value)}
        onKeyDown=${onKey}
      />
      <${ItemList} items=${shown} chosen=${chosen} onRun=${run} />
      ${!shown.length && html`<p class="hint">${t.desk.paletteNone}</p>`}
    <//>
  `;
}

interface ListProps {
  items: readonly PaletteItem[];
  chosen: number;
  onRun: (item: PaletteItem) => void;
}

function ItemList({ items, chosen, onRun }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }), [chosen]);
  const rows = items.map((item, i) =>
    html`
      <div
        key=${item.id}
        role="option"
        id=${`palette-${i}`}
        aria-selected=${i === chosen}
        onPointerDown=${(event: Event) => event.preventDefault()}
        onClick=${() => onRun(item)}
      >
        <${Icon} name=${item.icon} size=${18} />
        <span class="ellipsis" dir="auto">${item.label}</span>
        <span class="hint ellipsis">${item.hint}</span>
      </div>
    `
  );
  return html`<div class="palette-list" role="listbox" id="palette-list" ref=${box} aria-label=${t.desk.palette}>${rows}</div>`;
}
