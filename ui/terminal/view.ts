import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import type { TerminalInfo } from '../../core/wire/types.ts';
import { useCell } from '../cell.ts';
import { Button, confirm, Icon, IconButton, Menu, toast, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { t } from '../i18n/en.ts';
import { tt } from '../i18n/en-terminal.ts';
import { go, path } from '../route.ts';
import { api, live } from '../services.ts';
import { openTerminal } from './commands.ts';
import type { TerminalLink } from './link.ts';
import { copyText, PasteDialog, RenameDialog, TextDialog } from './dialogs.ts';
import { KeyBar } from './key-bar.ts';
import { SearchBar } from './search-bar.ts';
import { TerminalSession } from './session.ts';

type Sheet = 'paste' | 'rename' | 'text' | null;

/** The live feed proves its way again and again: what it finds out holds for the terminal, too. */
function followFeed(link: TerminalLink): () => void {
  let wasUp = live.link.get().phase === 'up';
  return live.link.subscribe(() => {
    const isUp = live.link.get().phase === 'up';
    if (wasUp && !isUp) link.lost();
    if (!wasUp && isUp) link.wake();
    wasUp = isUp;
  });
}

/** One terminal with everything around it. `back`: where the arrow leads. */
export function TerminalView({ info, back }: { info: TerminalInfo; back: string }) {
  const [session, setSession] = useState<TerminalSession | null>(null);
  const [isSearching, setSearching] = useState(false);
  const [isFull, setFull] = useFullScreen();
  const [sheet, setSheet] = useState<Sheet>(null);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const made = new TerminalSession(info.id);
    made.onRefused = () => toast(tt.tooMuch, 'error');
    made.onSearch = () => setSearching(true);
    made.mount(box.current!);
    made.terminal.focus();
    setSession(made);
    const unfollow = followFeed(made.link);
    return () => {
      unfollow();
      made.dispose();
    };
  }, [info.id]);
  const paste = async () => {
    try {
      session?.paste(await navigator.clipboard.readText());
    } catch {
      setSheet('paste');
    }
  };
  const close = () => {
    setSheet(null);
    session?.terminal.focus();
  };
  return html`<div class=${`terminal-page ${isFull ? 'full' : ''}`}>
    <header class="terminal-head">
      <${IconButton} icon="back" label=${t.nav.back} onClick=${() => go(back)} />
      <h1 class="ellipsis" title=${`${info.name} · ${info.directory}`}>${info.name}<small>${info.directory}</small></h1>
      ${session && html`<${Status} session=${session} />`}
      <${IconButton} icon="search" label=${tt.search} aria-pressed=${isSearching} onClick=${() =>
    setSearching(!isSearching)} />
      <${IconButton} icon=${isFull ? 'shrink' : 'expand'} label=${isFull ? tt.leaveFull : tt.full} onClick=${() =>
    setFull(!isFull)} />
      ${session && html`<${More} session=${session} info=${info} onSheet=${setSheet} onPaste=${paste} back=${back} />`}
    </header>
    ${isSearching && session && html`<${SearchBar} session=${session} onClose=${() => setSearching(false)} />`}
    <div class="terminal-frame" onClick=${() =>
    session?.terminal.focus()}><div class="terminal-box" ref=${box}></div></div>
    ${
    session && html`
      <${Notes} session=${session} info=${info} />
      <${KeyBar} session=${session} onPaste=${paste} />
    `
  }
    ${sheet === 'paste' && html`<${PasteDialog} onText=${(text: string) => session?.paste(text)} onClose=${close} />`}
    ${sheet === 'text' && html`<${TextDialog} text=${session?.text() ?? ''} onClose=${close} />`}
    ${
    sheet === 'rename' && html`
      <${RenameDialog} name=${info.name} onClose=${close}
        onName=${(name: string) => api.post(path`/api/terminals/${info.id}/rename`, { name })} />
    `
  }
  </div>`;
}

/** The page's own full screen, and the browser's where it has one. */
function useFullScreen(): [boolean, (on: boolean) => void] {
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    const left = () => !document.fullscreenElement && setFull(false);
    document.addEventListener('fullscreenchange', left);
    return () => {
      document.removeEventListener('fullscreenchange', left);
      if (document.fullscreenElement) void document.exitFullscreen();
    };
  }, []);
  return [isFull, (on) => {
    setFull(on);
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) void document.exitFullscreen();
  }];
}

/** A dot for the connection, a bell when it rang. */
function Status({ session }: { session: TerminalSession }) {
  const phase = useCell(session.link.phase);
  const exit = useCell(session.exit);
  const rang = useCell(session.bell);
  const label = exit ? tt.status.ended(exit.code) : tt.status[phase];
  return html`<span class="terminal-status">
    ${
    rang && html`
      <span class="bell" role="img" aria-label=${tt.bell}
        title=${tt.bell}><${Icon} name="bell" size=${16} /></span>
    `
  }
    <span class=${`dot ${exit ? 'ended' : phase}`} role="img" aria-label=${label} title=${label}></span></span>`;
}

interface MoreProps {
  session: TerminalSession;
  info: TerminalInfo;
  back: string;
  onSheet: (sheet: Sheet) => void;
  onPaste: () => void;
}

function More({ session, info, back, onSheet, onPaste }: MoreProps) {
  const watching = useCell(session.watching);
  const end = async () => {
    const question = { title: tt.endTitle(info.name), text: tt.endText, action: tt.end, tone: 'danger' as const };
    if (!info.exited && !await confirm(question)) return;
    await api.delete(path`/api/terminals/${info.id}`);
    go(back, true);
  };
  const copy = () => {
    const text = session.terminal.getSelection();
    if (text) copyText(text).catch(toastError);
    else toast(tt.nothingSelected);
  };
  const items: MenuItem[] = [
    { label: tt.copy, icon: 'copy', onSelect: copy },
    { label: tt.paste, icon: 'paste', onSelect: onPaste },
    { label: tt.selectText, icon: 'file', onSelect: () => onSheet('text') },
    { label: tt.larger, icon: 'plus', onSelect: () => session.changeFont(1) },
    { label: tt.smallerText, icon: 'minus', onSelect: () => session.changeFont(-1) },
    {
      label: watching ? tt.takeSize : tt.watch,
      icon: watching ? 'expand' : 'eye',
      onSelect: () => session.watch(!watching),
    },
    { label: tt.rename, icon: 'edit', onSelect: () => onSheet('rename') },
    {
      label: info.exited ? tt.remove : tt.end,
      icon: 'trash',
      tone: 'danger',
      onSelect: () => void end().catch(toastError),
    },
  ];
  return html`<${Menu} label=${t.common.more} items=${items} />`;
}

/** What the user should know: no connection, another size, the end. */
function Notes({ session, info }: { session: TerminalSession; info: TerminalInfo }) {
  const phase = useCell(session.link.phase);
  const unsent = useCell(session.link.unsent);
  const exit = useCell(session.exit);
  const size = useCell(session.size);
  const fitting = useCell(session.fitting);
  const watching = useCell(session.watching);
  const shown = `${size.cols} × ${size.rows}`;
  const isSmaller = size.cols < fitting.cols || size.rows < fitting.rows;
  if (phase === 'gone') return html`<${Note} tone="warn">${tt.goneText}<//>`;
  if (exit) {
    return html`<${Note} action=${html`<${Button} onClick=${() => void again(info).catch(toastError)}>${tt.again}<//>`}>
      ${tt.ended(exit.code, exit.signal)}<//>`;
  }
  if (phase === 'waiting') return html`<${Note} tone="warn">${tt.offline} ${unsent > 0 && tt.unsent(unsent)}<//>`;
  if (watching) {
    return html`<${Note} action=${html`<${Button} onClick=${() => session.watch(false)}>${tt.takeSize}<//>`}>
      ${tt.watching(shown)}<//>`;
  }
  return phase === 'up' && isSmaller && info.viewers > 1 ? html`<${Note}>${tt.smaller(shown)}<//>` : null;
}

function Note(
  { tone = '', action, children }: { tone?: string; action?: ComponentChildren; children?: ComponentChildren },
) {
  return html`<div class=${`terminal-note ${tone}`} role="status"><span>${children}</span>${action}</div>`;
}

/** The same program in the same folder; the ended one goes. */
async function again(info: TerminalInfo): Promise<void> {
  const { agentId, directory, name, command } = info;
  const made = await openTerminal({ agentId: agentId ?? undefined, directory, name, command: command as never });
  await api.delete(path`/api/terminals/${info.id}`);
  go(path`/terminals/${made.id}`, true);
}
