import { html, useRef } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { useSteady } from '../hooks/steady.ts';

interface Props {
  /** Class names besides those of every answer. */
  class: string;
  type?: 'button' | 'submit';
  disabled?: boolean;
  /** The short answers, which keys press too. */
  kind?: 'allow' | 'deny';
  onAnswer?: () => void;
  children?: ComponentChildren;
}

/**
 * A button that answers an agent. It takes no press, of a finger, a mouse or a key, before it has stood at its place for a
 * while: what comes earlier was meant for what stood there before.
 */
export function AnswerButton({ class: names, type = 'button', disabled = false, kind, onAnswer, children }: Props) {
  const { ref, isSteady, check } = useSteady();
  const wasSteady = useRef(false);
  const press = () => wasSteady.current = check();
  function click(event: MouseEvent) {
    // A press counts from where it began; keys and assistive technology click without one.
    const isTaken = event.detail === 0 ? check() : wasSteady.current;
    wasSteady.current = false;
    if (isTaken && !disabled) return onAnswer?.();
    event.preventDefault();
  }
  return html`
    <button
      ref=${ref}
      type=${type}
      class=${`${names} answer`}
      data-answer=${kind}
      disabled=${disabled}
      aria-disabled=${!isSteady}
      onPointerDown=${press}
      onClick=${click}
    >
      ${children}
    </button>
  `;
}
