/** The agent's ports: each opened to a page of its own, and closed. */
import type { PreviewList } from '../../core/api/previews.ts';
import { html, useState } from '../html.ts';
import { type App, useApp } from '../app.ts';
import { Button, Dialog, TextField, toast, toastError } from '../components/mod.ts';
import { clockTime } from '../format.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { MarkButtons } from './mark-button.ts';
import { OtherPreviews } from './other-previews.ts';
import { addressOf, enterPort, entriesOf, type PortEntry } from './preview-state.ts';

interface DialogProps {
  agent: string;
  list: PreviewList;
  onChange: () => void;
  onClose: () => void;
}

export function PreviewDialog({ agent, list, onChange, onClose }: DialogProps) {
  const app = useApp();
  const [busy, setBusy] = useState<number | null>(null);
  // Where the browser opens no tab.
  const [ready, setReady] = useState('');
  async function open(port: number) {
    setBusy(port);
    setReady('');
    try {
      setReady(await showPort(app, agent, port) ?? '');
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(null);
      onChange();
    }
  }
  const entries = entriesOf(list);
  const rows = entries.map((entry) =>
    html`
      <${PortRow} key=${entry.port} entry=${entry} agent=${agent} busy=${busy === entry.port} onOpen=${open}
        onChange=${onChange} />
    `
  );
  return html`
    <${Dialog} title=${t.previews.title} onClose=${onClose}>
      <p class="hint">${t.previews.text}</p>
      ${rows.length ? html`<ul class="preview-list">${rows}</ul>` : html`<p class="hint">${t.previews.none}</p>`}
      ${ready && html`<${Ready} url=${ready} onFollow=${() => setReady('')} />`}
      <${OtherPort} isBusy=${busy !== null} onOpen=${open} />
      <${MarkButtons} agent=${agent} />
      <${OtherPreviews} agent=${agent} />
    <//>
  `;
}

/**
 * In a tab that is opened before anything is asked: a later one would be refused as a pop-up.
 * @returns the address when there is no tab
 */
async function showPort(app: App, agent: string, port: number): Promise<string | null> {
  const tab = globalThis.open('about:blank', '_blank');
  try {
    const url = await enterPort(app, agent, port);
    if (!tab) return url;
    tab.opener = null;
    tab.location.replace(url);
    return null;
  } catch (error) {
    tab?.close();
    throw error;
  }
}

interface RowProps {
  entry: PortEntry;
  agent: string;
  busy: boolean;
  onOpen: (port: number) => void;
  onChange: () => void;
}

function PortRow({ entry: { port, program, preview }, agent, busy, onOpen, onChange }: RowProps) {
  const { api } = useApp();
  const close = () =>
    void api.delete(`${addressOf(agent)}${path`/${preview!.id}`}`).then(() => toast(t.previews.closed), toastError)
      .finally(
        onChange,
      );
  const facts = [program && t.previews.program(program), preview && t.previews.until(clockTime(preview.expiresAt))];
  const closing = preview && html`
    <${Button} aria-label=${t.previews.closeLabel(port)} onClick=${close}>${t.previews.close}<//>
  `;
  return html`
    <li class="preview-row">
      <span class="preview-text">
        <span class="mono">${t.previews.port(port)}</span>
        <span class="hint">${facts.filter(Boolean).join(' · ')}</span>
      </span>
      ${closing}
      <${Button} tone="primary" busy=${busy} aria-label=${t.previews.openLabel(port)} onClick=${() => onOpen(port)}>
        ${preview ? t.previews.openAgain : t.previews.open}
      <//>
    </li>
  `;
}

function Ready({ url, onFollow }: { url: string; onFollow: () => void }) {
  return html`
    <p class="preview-ready" role="status">
      ${t.previews.ready}
      <a href=${url} target="_blank" rel="noopener noreferrer" onClick=${onFollow}>${t.previews.show}</a>
    </p>
  `;
}

const portOf = (text: string): number | null => {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
};

function OtherPort({ isBusy, onOpen }: { isBusy: boolean; onOpen: (port: number) => void }) {
  const [text, setText] = useState('');
  const [error, setError] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const port = portOf(text);
    setError(port === null ? t.previews.wrong : '');
    if (port !== null) onOpen(port);
  };
  return html`
    <form class="preview-other" onSubmit=${submit}>
      <${TextField}
        label=${t.previews.enter}
        hint=${t.previews.enterHint}
        value=${text}
        error=${error}
        inputmode="numeric"
        maxlength="5"
        onInput=${setText}
      />
      <${Button} type="submit" disabled=${isBusy}>${t.previews.open}<//>
    </form>
  `;
}
