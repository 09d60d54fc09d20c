import type { TerminalInfo } from '../../core/api/terminals.ts';
import { useApp } from '../app.ts';
import type { MenuItem } from '../components/menu.ts';
import { confirm, Icon, IconButton, Menu, toast, toastError } from '../components/mod.ts';
import { html } from '../html.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { copyText } from './dialogs.ts';
import type { Sheet } from './dialogs.ts';
import type { TerminalSession } from './session.ts';

export interface HeadProps {
  /** null until the terminal is on the page. */
  session: TerminalSession | null;
  info: TerminalInfo;
  /** Path that the arrow leads to. */
  back: string;
  isSearching: boolean;
  isFull: boolean;
  onSearch: (on: boolean) => void;
  onFull: (on: boolean) => void;
  onSheet: (sheet: Sheet) => void;
  onPaste: () => void;
}

export function TerminalHead(props: HeadProps) {
  const { session, info, back, isSearching, isFull, onSearch, onFull } = props;
  return html`
    <header class="terminal-head">
      <${IconButton} icon="back" label=${t.nav.back} onClick=${() => go(back)} />
      <h1 class="ellipsis" title=${`${info.name} · ${info.directory}`}>${info.name}<small>${info.directory}</small></h1>
      ${session && html`<${Status} session=${session} />`}
      <${IconButton}
        icon="search"
        label=${t.terminal.search}
        aria-pressed=${isSearching}
        onClick=${() => onSearch(!isSearching)}
      />
      <${IconButton}
        icon=${isFull ? 'shrink' : 'expand'}
        label=${isFull ? t.terminal.leaveFull : t.terminal.full}
        onClick=${() => onFull(!isFull)}
      />
      ${session && html`<${More} ...${props} session=${session} />`}
    </header>
  `;
}

/** A dot for the connection, a bell when it rang. */
function Status({ session }: { session: TerminalSession }) {
  const phase = useSignalValue(session.connection.phase);
  const exit = useSignalValue(session.exit);
  const rang = useSignalValue(session.bell);
  const label = exit ? t.terminal.status.ended(exit.code) : t.terminal.status[phase];
  const bell = rang && html`
    <span class="bell" role="img" aria-label=${t.terminal.bell} title=${t.terminal.bell}>
      <${Icon} name="bell" size=${16} />
    </span>
  `;
  return html`
    <span class="terminal-status">
      ${bell}
      <span class=${`dot ${exit ? 'ended' : phase}`} role="img" aria-label=${label} title=${label}></span>
    </span>
  `;
}

function More({ session, info, back, onSheet, onPaste }: HeadProps & { session: TerminalSession }) {
  const { api } = useApp();
  const isWatching = useSignalValue(session.watching);
  async function end(): Promise<void> {
    const { endTitle, endText: text, end: action } = t.terminal;
    if (!info.exited && !await confirm({ title: endTitle(info.name), text, action, tone: 'danger' })) return;
    await api.delete(path`/api/terminals/${info.id}`);
    go(back, true);
  }
  const items: MenuItem[] = [
    { label: t.terminal.copy, icon: 'copy', onSelect: () => copySelection(session) },
    { label: t.terminal.paste, icon: 'paste', onSelect: onPaste },
    { label: t.terminal.selectText, icon: 'file', onSelect: () => onSheet('text') },
    { label: t.terminal.larger, icon: 'plus', onSelect: () => session.changeFont(1) },
    { label: t.terminal.smallerText, icon: 'minus', onSelect: () => session.changeFont(-1) },
    {
      label: isWatching ? t.terminal.takeSize : t.terminal.watch,
      icon: isWatching ? 'expand' : 'eye',
      onSelect: () => session.watch(!isWatching),
    },
    { label: t.terminal.rename, icon: 'edit', onSelect: () => onSheet('rename') },
    {
      label: info.exited ? t.terminal.remove : t.terminal.end,
      icon: 'trash',
      tone: 'danger',
      onSelect: () => void end().catch(toastError),
    },
  ];
  return html`<${Menu} label=${t.common.more} items=${items} />`;
}

function copySelection({ terminal }: TerminalSession): void {
  const text = terminal.getSelection();
  if (text) copyText(text).catch(toastError);
  else toast(t.terminal.nothingSelected);
}
