import { html } from '../html.ts';
import { Dialog } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import type { PanelProps } from './panel.ts';

/** The keys, and what they do. */
export default function ShortcutsHelp({ onClose }: PanelProps) {
  const rows = t.desk.keys.map(([keys, text]) =>
    html`
      <dt key=${keys}>${keys.split(' ').map((key) =>
        html`
          <kbd key=${key}>${key}</kbd>
        `
      )}</dt>
      <dd>${text}</dd>
    `
  );
  return html`
    <${Dialog} title=${t.desk.shortcuts} onClose=${onClose}>
      <dl class="shortcuts">${rows}</dl>
      <//>
  `;
}
