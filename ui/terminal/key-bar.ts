import { html, useEffect, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import { Icon } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import type { Key, Modifiers } from './keys.ts';
import type { TerminalSession } from './session.ts';

/** A held key comes again after the first, then every so many ms. */
const REPEAT = { first: 400, next: 55 };

/** The keys that a phone's keyboard lacks. Pressing one leaves the focus, and so the keyboard, where it is. */
export function KeyBar({ session, onPaste }: { session: TerminalSession; onPaste: () => void }) {
  return html`
    <div class="key-bar" role="toolbar" aria-label=${t.terminal.keys.label}>
      <${UpperRow} session=${session} />
      <${LowerRow} session=${session} onPaste=${onPaste} />
    </div>
  `;
}

function UpperRow({ session }: { session: TerminalSession }) {
  return html`
    <div class="key-row">
      ${key(session, 'esc', 'Esc')}
      ${['/', '-', '|', '~'].map((character) => characterKey(session, character))}
      ${key(session, 'home', 'Home')}
      ${key(session, 'up', '↑', true)}
      ${key(session, 'end', 'End')}
      ${key(session, 'pageUp', 'PgUp', true)}
    </div>
  `;
}

function LowerRow({ session, onPaste }: { session: TerminalSession; onPaste: () => void }) {
  return html`
    <div class="key-row">
      ${key(session, 'tab', 'Tab')}
      <${ModifierKey} session=${session} name="ctrl" />
      <${ModifierKey} session=${session} name="alt" />
      <${BarKey} label=${t.terminal.keys.interrupt} onPress=${() => session.type('\x03')}>^C<//>
      <${BarKey} label=${t.terminal.keys.paste} onPress=${onPaste}>
        <${Icon} name="paste" size=${18} />
      <//>
      ${key(session, 'left', '←', true)}
      ${key(session, 'down', '↓', true)}
      ${key(session, 'right', '→', true)}
      ${key(session, 'pageDown', 'PgDn', true)}
    </div>
  `;
}

const key = (session: TerminalSession, name: Key, shown: string, repeats = false) =>
  html`<${BarKey} label=${t.terminal.keys[name]} repeats=${repeats} onPress=${() => session.press(name)}>${shown}<//>`;

const characterKey = (session: TerminalSession, character: string) =>
  html`<${BarKey} label=${character} onPress=${() => session.type(character)}>${character}<//>`;

/** Held until the next key. */
function ModifierKey({ session, name }: { session: TerminalSession; name: keyof Modifiers }) {
  const modifiers = useSignalValue(session.modifiers);
  const toggle = () => void (session.modifiers.value = { ...modifiers, [name]: !modifiers[name] });
  const shown = name === 'ctrl' ? 'Ctrl' : 'Alt';
  return html`<${BarKey} label=${t.terminal.keys[name]} pressed=${modifiers[name]} onPress=${toggle}>${shown}<//>`;
}

interface BarKeyProps {
  label: string;
  onPress: () => void;
  repeats?: boolean;
  pressed?: boolean;
  children?: ComponentChildren;
}

function BarKey({ label, onPress, repeats = false, pressed, children }: BarKeyProps) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const stop = () => clearTimeout(timer.current);
  useEffect(() => stop, []);
  const down = (event: PointerEvent) => {
    event.preventDefault();
    onPress();
    if (!repeats) return;
    const again = () => {
      onPress();
      timer.current = setTimeout(again, REPEAT.next);
    };
    timer.current = setTimeout(again, REPEAT.first);
  };
  const keepFocus = (event: Event) => event.preventDefault(); // it stays in the terminal
  const click = (event: MouseEvent) => event.detail === 0 && onPress(); // by a keyboard or a screen reader
  return html`
    <button
      type="button"
      class="bar-key"
      tabindex="-1"
      aria-label=${label}
      aria-pressed=${pressed}
      onPointerDown=${down}
      onPointerUp=${stop}
      onPointerLeave=${stop}
      onPointerCancel=${stop}
      onMouseDown=${keepFocus}
      onTouchEnd=${keepFocus}
      onClick=${click}
    >
      ${children}
    </button>
  `;
}
