import { html, useContext, useState } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { forkAt } from '../../core/api/fork.ts';
import type { Message, UserMessage } from '../../core/api/messages.ts';
import { providerData } from '../../core/api/providers.ts';
import { type App, useApp, useStore } from '../app.ts';
import { confirm, Menu, toastError } from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { keepDraft } from './draft.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { t } from '../i18n/all.ts';
import { go, path } from '../route.ts';
import { find } from '../state/store.ts';
import { AgentContext } from './agent-context.ts';
import type { RewindProps } from './rewind-dialog.ts';

const rewindDialog = lazy<RewindProps>(() => import('./rewind-dialog.ts'));

type PastMessage = UserMessage | Extract<Message, { kind: 'turn' }>;

/** What leads back to a message: to a copy of the conversation, or to the files as they were. Nothing where the agent can neither. */
export function PastMenu({ message }: { message: PastMessage }) {
  const app = useApp();
  const id = useContext(AgentContext);
  const agent = useStore(({ agents }) => find(agents, id));
  const [isRewinding, setRewinding] = useState(false);
  if (!agent) return null;
  const items: MenuItem[] = [];
  if (canFork(app, agent, message)) {
    items.push({
      label: t.past.fork,
      icon: 'branch',
      onSelect: () => void fork(app, agent, message).catch(toastError),
    });
  }
  if (canRewind(agent, message)) {
    items.push({ label: t.past.rewind, icon: 'history', onSelect: () => setRewinding(true) });
  }
  if (!items.length) return null;
  const onClose = () => setRewinding(false);
  return html`
    <span class="past-menu">
      <${Menu} label=${t.past.menu} items=${items} />
    </span>
    ${isRewinding &&
      html`<${LazyView} source=${rewindDialog} agent=${agent} message=${message.id} onClose=${onClose} />`}
  `;
}

/** What is loaded of the conversation decides: the server looks at all of it. */
function canFork({ store }: App, { id, provider }: AgentInfo, message: PastMessage): boolean {
  if (!providerData(provider).features.fork) return false;
  if (message.kind === 'turn' && !message.point) return false;
  return forkAt(find(store.value.chats, id)?.messages ?? [], message.id) !== null;
}

const canRewind = ({ provider }: AgentInfo, message: PastMessage): boolean =>
  providerData(provider).features.rewind && message.kind === 'user' && message.status === 'sent';

async function fork({ api }: App, { id, worktree, directory }: AgentInfo, message: PastMessage): Promise<void> {
  const isBefore = message.kind === 'user';
  const place = worktree ? t.past.forkWorktree(worktree.branch) : t.past.forkFolder(directory);
  const text = `${isBefore ? t.past.forkBefore : t.past.forkAfter} ${place}`;
  if (!await confirm({ title: t.past.forkTitle, text, action: t.past.forkAction })) return;
  const body = { messageId: message.id, clientId: crypto.randomUUID() };
  const copy = await api.command<AgentInfo>(path`/api/agents/${id}/fork`, body);
  if (isBefore) keepDraft(copy.id, message.text);
  go(path`/agents/${copy.id}`);
}
