/** The tabs of the agent page: a tab is one line. `title` in the tab bar, `load` the component that gets the agent. */
import type { AgentInfo } from '../../core/wire/types.ts';
import type { ComponentType } from '../html.ts';
import { t } from '../i18n/en.ts';
import { tt } from '../i18n/en-terminal.ts';
import { w } from '../i18n/en-workshop.ts';

export interface TabProps {
  agent: AgentInfo;
}

export interface Tab {
  /** Last segment of the address. */
  id: string;
  title: string;
  load(): Promise<{ default: ComponentType<TabProps> }>;
}

/** In order; the first is shown when the address names none. */
export const TABS: Tab[] = [
  { id: 'chat', title: t.tabs.chat, load: () => import('../chat/chat.ts') },
  { id: 'changes', title: w.tabs.changes, load: () => import('./changes.ts') },
  { id: 'terminals', title: tt.tab, load: () => import('./terminal-tab.ts') },
  { id: 'instructions', title: w.tabs.instructions, load: () => import('./instructions.ts') },
  { id: 'details', title: t.tabs.details, load: () => import('./agent-details.ts') },
];
