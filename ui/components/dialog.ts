import { html, useId, useLayoutEffect, useRef, useState } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { useBack } from '../back.ts';
import { signal, useSignalValue } from '../state/signal.ts';
import { t } from '../i18n/t.ts';
import { Button, IconButton } from './button.ts';
import { openDialogs, Toasts } from './toast.ts';

export interface DialogProps {
  title: string;
  onClose: () => void;
  /** Buttons at the bottom. */
  footer?: ComponentChildren;
  /** wide: for lists and editors; full: the whole window. */
  size?: 'narrow' | 'wide' | 'full';
  children?: ComponentChildren;
}

/** A modal dialog, a sheet from below on a phone. Rendered means open. Escape, Back and a click beside it close it. The
 * focus stays inside, and goes back to where it was. */
export function Dialog({ title, onClose, footer, size = 'narrow', children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // A click that began inside ends there for the user, however far its text was selected; its target is the dialog all the same.
  const pressedBeside = useRef(false);
  // Given back here: of a dialog that is already out of the page when it is closed, the browser gives nothing back.
  const [before] = useState(() => document.activeElement);
  useBack(onClose);
  // At once: the next key is meant for it.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    openDialogs.value = [...openDialogs.value, id];
    return () => {
      openDialogs.value = openDialogs.value.filter((other) => other !== id);
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  const press = (event: Event) => void (pressedBeside.current = event.target === ref.current);
  const click = (event: Event) => event.target === ref.current && pressedBeside.current && onClose();
  return html`
    <dialog
      ref=${ref}
      class=${`dialog ${size}`}
      aria-labelledby=${id}
      onCancel=${cancel}
      onPointerDown=${press}
      onClick=${click}
    >
      <div class="dialog-box">
        <header class="dialog-head">
          <h2 id=${id}>${title}</h2>
          <${IconButton} icon="cross" label=${t.common.close} onClick=${onClose} />
        </header>
        <div class="dialog-body">${children}</div>
        ${footer && html`<footer class="dialog-foot">${footer}</footer>`}
      </div>
      <${Toasts} dialog=${id} />
    </dialog>
  `;
}

export interface Question {
  title: string;
  text: string;
  /** The words on the button that does it. */
  action: string;
  tone?: 'primary' | 'danger';
}

interface OpenQuestion extends Question {
  answer(yes: boolean): void;
}

const open = signal<OpenQuestion | null>(null);

/** Asks before something that cannot be taken back. */
export function confirm(question: Question): Promise<boolean> {
  open.value?.answer(false);
  return new Promise((resolve) => {
    open.value = {
      ...question,
      answer(yes) {
        open.value = null;
        resolve(yes);
      },
    };
  });
}

/** Shows what `confirm` asks; the shell holds one. */
export function Confirmations() {
  const question = useSignalValue(open);
  if (!question) return null;
  const { title, text, action, tone = 'primary', answer } = question;
  const footer = html`
    <${Button} onClick=${() => answer(false)}>${t.common.cancel}<//>
    <${Button} tone=${tone} onClick=${() => answer(true)}>${action}<//>
  `;
  return html`
    <${Dialog} title=${title} onClose=${() => answer(false)} footer=${footer}>
      <p>${text}</p>
      <//>
  `;
}
