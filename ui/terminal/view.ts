import type { TerminalInfo } from '../../core/api/terminals.ts';
import { useApp } from '../app.ts';
import { toast } from '../components/mod.ts';
import { html, useLayoutEffect, useRef, useState } from '../html.ts';
import { t } from '../i18n/all.ts';
import type { Live } from '../net/live.ts';
import type { TerminalConnection } from './connection.ts';
import { SheetDialog } from './dialogs.ts';
import type { Sheet } from './dialogs.ts';
import { useFullScreen } from './full-screen.ts';
import { TerminalHead } from './head.ts';
import { KeyBar } from './key-bar.ts';
import { Notes } from './notes.ts';
import { SearchBar } from './search-bar.ts';
import { TerminalSession } from './session.ts';

/** One terminal with everything around it. `back`: path that the arrow leads to. */
export function TerminalView({ info, back }: { info: TerminalInfo; back: string }) {
  const [isSearching, setSearching] = useState(false);
  const [isFull, setFull] = useFullScreen();
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const [session, box] = useSession(info.id, () => setSearching(true));
  const focus = () => session?.terminal.focus();
  async function paste(): Promise<void> {
    try {
      session?.paste(await navigator.clipboard.readText());
    } catch {
      setSheet('paste');
    }
  }
  function close(): void {
    setSheet(null);
    focus();
  }
  const parts = session && html`
    <${Notes} session=${session} info=${info} />
    <${KeyBar} session=${session} onPaste=${paste} />
    ${sheet && html`<${SheetDialog} sheet=${sheet} session=${session} info=${info} onClose=${close} />`}
  `;
  const head = { session, info, back, isSearching, isFull };
  return html`
    <div class=${`terminal-page ${isFull ? 'full' : ''}`}>
      <${TerminalHead} ...${head} onSearch=${setSearching} onFull=${setFull} onSheet=${setSheet} onPaste=${paste} />
      ${isSearching && session && html`<${SearchBar} session=${session} onClose=${() => setSearching(false)} />`}
      <div class="terminal-frame" onClick=${focus}>
        <div class="terminal-box" ref=${box}></div>
      </div>
      ${parts}
    </div>
  `;
}

/** The session of a terminal, and the element that it is shown in. It ends with the page. */
function useSession(id: string, onSearch: () => void) {
  const app = useApp();
  const [session, setSession] = useState<TerminalSession | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const result = new TerminalSession(id, app.openSocket);
    result.onRefused = () => toast(t.terminal.tooMuch, 'error');
    result.onCleaned = () => toast(t.terminal.pasteCleaned);
    result.onSearch = onSearch;
    result.mount(box.current!);
    result.terminal.focus();
    setSession(result);
    const unfollow = followFeed(app.live, result.connection);
    return () => {
      unfollow();
      result.dispose();
    };
  }, [id]);
  return [session, box] as const;
}

/** The live feed proves its way again and again: what it finds out holds for the terminal, too. */
function followFeed(live: Live, connection: TerminalConnection): () => void {
  let wasUp = live.connection.value.phase === 'up';
  return live.connection.subscribe(({ phase }) => {
    const isUp = phase === 'up';
    if (wasUp && !isUp) connection.doubt();
    if (!wasUp && isUp) connection.wake();
    wasUp = isUp;
  });
}
