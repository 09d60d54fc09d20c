import { html, useEffect, useId, useRef, useState } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { cell, useCell } from '../cell.ts';
import { t } from '../i18n/en.ts';
import { Button, IconButton } from './button.ts';
import { openDialogs, Toasts } from './toast.ts';

export interface DialogProps {
  title: string;
  onClose: () => void;
  /** Buttons at the bottom. */
  footer?: ComponentChildren;
  /** wide: for lists and editors. */
  size?: 'narrow' | 'wide';
  children?: ComponentChildren;
}

/** A modal dialog, a sheet from below on a phone. Rendered means open. Escape and a click beside it close it. The focus
 * stays inside, and goes back to where it was. */
export function Dialog({ title, onClose, footer, size = 'narrow', children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // A click that began inside ends there for the user, however far its text was selected; its target is the dialog all the same.
  const pressedBeside = useRef(false);
  // Given back here: of a dialog that is already out of the page when it is closed, the browser gives nothing back.
  const [before] = useState(() => document.activeElement);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    openDialogs.set([...openDialogs.get(), id]);
    return () => {
      openDialogs.set(openDialogs.get().filter((other) => other !== id));
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`
    <dialog ref=${ref} class=${`dialog ${size}`} aria-labelledby=${id}
      onCancel=${(event: Event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown=${(event: Event) => {
        pressedBeside.current = event.target === ref.current;
      }}
      onClick=${(event: Event) => event.target === ref.current && pressedBeside.current && onClose()}>
      <div class="dialog-box">
          <header class="dialog-head"><h2 id=${id}>${title}</h2>
            <${IconButton} icon="cross" label=${t.common.close} onClick=${onClose} /></header>
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

const asked = cell<(Question & { answer: (yes: boolean) => void }) | null>(null);

/** Asks before something that cannot be taken back. */
export function confirm(question: Question): Promise<boolean> {
  asked.get()?.answer(false);
  return new Promise((resolve) => {
    asked.set({
      ...question,
      answer: (yes) => {
        asked.set(null);
        resolve(yes);
      },
    });
  });
}

/** Shows what `confirm` asks; the shell holds one. */
export function Confirmations() {
  const question = useCell(asked);
  if (!question) return null;
  const { title, text, action, tone = 'primary', answer } = question;
  return html`
    <${Dialog} title=${title} onClose=${() => answer(false)} footer=${html`
      <${Button} onClick=${() => answer(false)}>${t.common.cancel}<//>
      <${Button} tone=${tone} onClick=${() => answer(true)}>${action}<//>
    `}>
      <p>${text}</p>
      <//>
  `;
}
