import { html, useEffect, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { useCell } from '../cell.ts';
import { Icon } from '../components/mod.ts';
import { tt } from '../i18n/en-terminal.ts';
import type { Key } from './keys.ts';
import type { TerminalSession } from './session.ts';

/** A held key comes again after the first, then every so many ms. */
const REPEAT = { first: 400, next: 55 };

/** The keys that a phone's keyboard lacks. Pressing one leaves the focus, and so the keyboard, where it is. */
export function KeyBar({ session, onPaste }: { session: TerminalSession; onPaste: () => void }) {
  const { ctrl, alt } = useCell(session.modifiers);
  const toggle = (name: 'ctrl' | 'alt') => () =>
    session.modifiers.set({ ...session.modifiers.get(), [name]: !session.modifiers.get()[name] });
  const key = (name: Key, shown: ComponentChildren, repeats = false) =>
    html`<${BarKey} label=${tt.keys[name]} repeats=${repeats} onPress=${() => session.press(name)}>${shown}<//>`;
  const text = (character: string) =>
    html`<${BarKey} label=${character} onPress=${() => session.type(character)}>${character}<//>`;
  return html`
    <div class="key-bar" role="toolbar" aria-label=${tt.keys.label}>
      <div class="key-row">
          ${key('esc', 'Esc')}${text('/')}${text('-')}${text('|')}${text('~')}
          ${key('home', 'Home')}${key('up', '↑', true)}${key('end', 'End')}${key('pageUp', 'PgUp', true)}
        </div>
      <div class="key-row">
          ${key('tab', 'Tab')}
          <${BarKey} label=${tt.keys.ctrl} pressed=${ctrl} onPress=${toggle('ctrl')}>Ctrl<//>
          <${BarKey} label=${tt.keys.alt} pressed=${alt} onPress=${toggle('alt')}>Alt<//>
          <${BarKey} label=${tt.keys.interrupt} onPress=${() => session.type('\x03')}>^C<//>
          <${BarKey} label=${tt.keys.paste} onPress=${onPaste}><${Icon} name="paste" size=${18} /><//>
          ${key('left', '←', true)}${key('down', '↓', true)}${key('right', '→', true)}${key('pageDown', 'PgDn', true)}
        </div>
      </div>
  `;
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
  const keep = (event: Event) => event.preventDefault(); // the focus stays in the terminal
  return html`
    <button type="button" class="bar-key" tabindex="-1" aria-label=${label} aria-pressed=${pressed}
      onPointerDown=${down} onPointerUp=${stop} onPointerLeave=${stop} onPointerCancel=${stop}
      onMouseDown=${keep} onTouchEnd=${keep}
      onClick=${(event: MouseEvent) => event.detail === 0 && onPress()}>${children}</button>
  `;
}
