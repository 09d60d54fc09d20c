import { html } from '../html.ts';
import type { DeskSession } from '../../core/api/handoff.ts';
import { Icon, Pill, Spinner } from '../components/mod.ts';
import { t } from '../i18n/all.ts';

const VIEW = {
  idle: { tone: 'good', icon: 'check' },
  busy: { tone: 'info', icon: 'play' },
  waiting: { tone: 'warn', icon: 'hand' },
} as const;

/** What a session at the desk does, as a label: colour, icon and word. */
export function DeskStatusPill({ session: { status } }: { session: DeskSession }) {
  const { tone, icon } = VIEW[status];
  return html`
    <span class=${`pill state ${tone}`}>
      ${status === 'busy' ? html`<${Spinner} />` : html`<${Icon} name=${icon} size=${14} />`}
      ${t.handoff.status[status]}
    </span>
  `;
}

/** Where it runs, when that is no terminal of somebody at the desk. */
export function DeskPlace({ session: { attach, isHere } }: { session: DeskSession }) {
  if (attach !== null) return html`<${Pill}>${t.handoff.background}<//>`;
  return isHere && html`<${Pill}>${t.handoff.isHere}<//>`;
}

/** What it waits for; empty when it does not. */
export function waitingText({ status, waitingFor }: DeskSession): string {
  if (status !== 'waiting') return '';
  const { waits, waitsFor, status: words } = t.handoff;
  const what = Object.hasOwn(waits, waitingFor) ? waits[waitingFor]! : waitingFor;
  return what ? waitsFor(what) : words.waiting;
}

export const deskName = ({ name, directory }: DeskSession): string =>
  name || directory.split('/').filter(Boolean).at(-1) || t.handoff.untitled;
