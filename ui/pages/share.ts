import { html, useEffect, useState } from '../html.ts';
import { useApp } from '../app.ts';
import type { Placed } from '../app.ts';
import { useAttachments } from '../chat/attachments.ts';
import { useDraft } from '../chat/draft.ts';
import { Button, Card, EmptyState, PageHead, Skeleton } from '../components/mod.ts';
import { t } from '../i18n/t.ts';
import { at, go, path } from '../route.ts';
import { useSignalValue } from '../state/signal.ts';
import { forgetShared, readShared } from '../worker/share.ts';
import type { Shared } from '../worker/share.ts';
import { openStore } from '../worker/storage.ts';

/** What another app shared: it becomes a draft for the agent that is chosen here. Nothing is sent. */
export default function SharePage() {
  const [shared, setShared] = useState<Shared | null | undefined>(undefined);
  const [chosen, choose] = useState<Placed | null>(null);
  const agents = useSignalValue(useApp().fleet.agents);
  useEffect(() => void readShared(openStore()).then(setShared, () => setShared(null)), []);
  const content = shared === undefined
    ? html`<${Skeleton} lines=${4} />`
    : shared === null
    ? html`<${EmptyState} icon="image" title=${t.share.nothing} />`
    : html`<${Choice} shared=${shared} agents=${agents} onChoose=${choose} />`;
  return html`
    <div class="page">
      <${PageHead} title=${t.share.title} />
      ${content}
      ${shared && chosen && html`<${ToDraft} agent=${chosen} shared=${shared} />`}
    </div>
  `;
}

interface ChoiceProps {
  shared: Shared;
  agents: readonly Placed[];
  onChoose: (agent: Placed) => void;
}

function Choice({ shared, agents, onChoose }: ChoiceProps) {
  const able = agents.filter(({ resumable }) => resumable).sort((a, b) => b.activeAt - a.activeAt);
  const buttons = able.map((agent) => html`<${Choose} key=${agent.key} agent=${agent} onChoose=${onChoose} />`);
  return html`
    <${Card} title=${t.share.what}>
      <p class="shared-text">${shared.text}</p>
      ${shared.pictures.length > 0 && html`<p class="hint">${t.share.pictures(shared.pictures.length)}</p>`}
    <//>
    <${Card} title=${t.share.toWhom}>
      ${able.length ? html`<div class="stack">${buttons}</div>` : html`<p class="soft">${t.share.nobody}</p>`}
    <//>
  `;
}

function Choose({ agent, onChoose }: { agent: Placed; onChoose: (agent: Placed) => void }) {
  const { fleet } = useApp();
  const machine = fleet.machines.value.find(({ id }) => id === agent.app.machine)?.name;
  const where = fleet.apps.value.length > 1 && machine ? ` · ${machine}` : '';
  return html`<${Button} onClick=${() => onChoose(agent)}>${agent.name}${where}<//>`;
}

/** Puts it behind what is typed for the agent already, and goes there. */
function ToDraft({ agent: { id: agent, app }, shared }: { agent: Placed; shared: Shared }) {
  const [text, setText] = useDraft(agent);
  const { add } = useAttachments(agent, app);
  useEffect(() => {
    setText([text, shared.text].filter(Boolean).join('\n'));
    add(shared.pictures);
    void forgetShared(openStore()).catch(() => {});
    go(at(app.machine, path`/agents/${agent}`), true);
  }, []);
  return null;
}
