import type { TabProps } from '../agent/tab-props.ts';
import { lazy } from '../hooks/lazy.ts';
import type { Lazy } from '../hooks/lazy.ts';
import { t } from '../i18n/t.ts';

export interface Tab {
  /** Last segment of the address. */
  id: string;
  title: string;
  view: Lazy<TabProps>;
}

/** In order; the first is shown when the address names none. */
export const TABS: Tab[] = [
  { id: 'chat', title: t.tabs.chat, view: lazy(() => import('../chat/chat.ts')) },
  { id: 'changes', title: t.tabs.changes, view: lazy(() => import('../agent/changes.ts')) },
  { id: 'files', title: t.tabs.files, view: lazy(() => import('../files/files-tab.ts')) },
  { id: 'terminals', title: t.tabs.terminals, view: lazy(() => import('../agent/terminal-tab.ts')) },
  { id: 'instructions', title: t.tabs.instructions, view: lazy(() => import('../agent/instructions.ts')) },
  { id: 'details', title: t.tabs.details, view: lazy(() => import('../agent/agent-details.ts')) },
];

interface PreviewsProps extends TabProps {
  /** The dialog is open. */
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}

/** What listens on the machine, above every tab. */
export const previews = lazy<PreviewsProps>(() => import('../previews/preview-bar.ts'));

/** What an agent's page needs when it is opened. */
export const CONVERSATION: readonly { load(): void }[] = [TABS[0]!.view, previews];
