import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import type { AgentInfo } from '../../core/api/agents.ts';
import { Card, TimeAgo } from '../components/mod.ts';
import { CopyButton } from '../chat/copy.ts';
import { count, money } from '../format.ts';
import { useProviderLabel } from '../hooks/use-providers.ts';
import { t } from '../i18n/all.ts';
import { GoOnCard } from '../usage/limit-wait.ts';
import { NotifyLevelCard } from './notify-level.ts';
import type { TabProps } from './tab-props.ts';

/** Everything that is known about an agent and is not the conversation. */
export default function Details({ agent }: TabProps) {
  return html`
    <div class="page details">
      <${WorkCard} agent=${agent} />
      <${SessionCard} agent=${agent} />
      <${UsageCard} usage=${agent.usage} />
      <${GoOnCard} agent=${agent} />
      <${NotifyLevelCard} id=${agent.id} />
    </div>
  `;
}

function WorkCard({ agent }: TabProps) {
  const d = t.details;
  return html`
    <${Card} title=${d.work}>
      <dl class="facts-list">
        <${Fact} name=${d.directory}><${Mono} text=${agent.directory} /><//>
        ${agent.worktree && html`<${WorktreeFacts} worktree=${agent.worktree} />`}
        <${Fact} name=${d.created}><${TimeAgo} at=${agent.createdAt} /><//>
        <${Fact} name=${d.active}><${TimeAgo} at=${agent.activeAt} /><//>
        <${Fact} name=${d.messages}>${agent.lastSeq}<//>
      </dl>
    <//>
  `;
}

function WorktreeFacts({ worktree: { path, branch, base } }: { worktree: NonNullable<AgentInfo['worktree']> }) {
  const d = t.details;
  return html`
    <${Fact} name=${d.worktree}>
      <${Mono} text=${path} />
      <//>
      <${Fact} name=${d.branch}><${Mono} text=${branch} /> ${d.from} <${Mono} text=${base} /><//>
  `;
}

function SessionCard({ agent }: TabProps) {
  const { provider, demo, cli, sessionId, model, mode, effort } = agent;
  const d = t.details;
  const id = sessionId && html`
    <${Fact} name=${d.sessionId}>
      <${Mono} text=${sessionId} />
      <${CopyButton} text=${sessionId} />
      <//>
  `;
  return html`
    <${Card} title=${d.session}>
      <dl class="facts-list">
        <${Fact} name=${d.provider}>${useProviderLabel(provider)} ${cli.version}${demo && ` · ${t.demo}`}<//>
        <${ProcessFact} cli=${cli} />
        ${id}
        <${Fact} name=${t.pickers.model}>${model || t.pickers.standard}<//>
        <${Fact} name=${t.pickers.mode}>${t.pickers.modes[mode] ?? mode}<//>
        ${effort && html`<${Fact} name=${t.pickers.effort}>${effort}<//>`}
        <${FlagFacts} flags=${agent.flags} />
      </dl>
    <//>
  `;
}

function ProcessFact({ cli: { running, pid, seenAt } }: { cli: AgentInfo['cli'] }) {
  const d = t.details;
  const seen = seenAt !== null && html`<span class="hint">${t.connection.seen} <${TimeAgo} at=${seenAt} /></span>`;
  return html`<${Fact} name=${d.process}>${running ? d.running(pid) : d.notRunning}${seen && ' '}${seen}<//>`;
}

function FlagFacts({ flags }: { flags: AgentInfo['flags'] }) {
  // Whether there is a worktree is said with the folder: it may have been wanted where none can be.
  const { worktree: _, ...others } = flags;
  const set = Object.entries(others).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return set.map(([name, value]) =>
    html`
      <${Fact} key=${name} name=${t.flags[name] ?? name}>
        <${Mono} text=${flagText(value)} />
        <//>
    `
  );
}

function flagText(value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  return value === true ? t.details.yes : String(value);
}

function UsageCard({ usage }: { usage: AgentInfo['usage'] }) {
  const d = t.details;
  return html`
    <${Card} title=${d.usage}>
      <dl class="facts-list">
        ${usage.costUsd !== null && html`<${Fact} name=${t.agent.cost}>${money(usage.costUsd)}<//>`}
        <${Fact} name=${d.turns}>${usage.turns}<//>
        <${Fact} name=${d.input}>${count(usage.inputTokens)}<//>
        <${Fact} name=${d.output}>${count(usage.outputTokens)}<//>
        <${Fact} name=${d.cacheRead}>${count(usage.cacheReadTokens)}<//>
        <${Fact} name=${d.cacheWrite}>${count(usage.cacheWriteTokens)}<//>
      </dl>
    <//>
  `;
}

const Mono = ({ text }: { text: string }) => html`<span class="mono">${text}</span>`;

function Fact({ name, children }: { name: string; children?: ComponentChildren }) {
  return html`
    <div>
      <dt>${name}</dt>
      <dd>${children}</dd>
    </div>
  `;
}
