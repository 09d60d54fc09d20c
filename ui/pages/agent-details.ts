import { html } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import { Card, TimeAgo } from '../components/mod.ts';
import { CopyButton } from '../chat/copy.ts';
import { count, money } from '../format.ts';
import { t } from '../i18n/en.ts';
import type { TabProps } from './agent-tabs.ts';

/** Everything that is known about an agent and is not the conversation. */
export default function Details({ agent }: TabProps) {
  const { usage, worktree, cli } = agent;
  const d = t.details;
  const flags = Object.entries(agent.flags).filter(([, value]) =>
    value !== undefined && value !== '' && value !== false
  );
  return html`
    <div class="page details">
      <${Card} title=${d.work}>
        <dl class="facts-list">
          <${Fact} name=${d.folder}><span class="mono">${agent.directory}</span><//>
          ${worktree && html`<${Fact} name=${d.worktree}><span class="mono">${worktree.path}</span><//>
      <${Fact} name=${d.branch}><span class="mono">${worktree.branch}</span> ${d.from} <span class="mono">${worktree.base}</span><//>`}
          <${Fact} name=${d.created}><${TimeAgo} at=${agent.createdAt} /><//>
          <${Fact} name=${d.active}><${TimeAgo} at=${agent.activeAt} /><//>
          <${Fact} name=${d.messages}>${agent.lastSeq}<//>
        </dl><//>
        <${Card} title=${d.session}><dl class="facts-list">
          <${Fact} name=${d.provider}>${t.provider[agent.provider] ?? agent.provider} ${cli.version}${agent.demo
            ? ` · ${t.demo}`
            : ''}<//>
          <${Fact} name=${d.process}>${cli.running ? d.running(cli.pid) : d.notRunning}${cli.seenAt !== null &&
            html`
              <span class="hint">${t.connection.seen} <${TimeAgo} at=${cli.seenAt} /></span>
            `}<//>
          ${agent.sessionId &&
            html`<${Fact} name=${d.sessionId}><span class="mono">${agent.sessionId}</span><${CopyButton} text=${agent.sessionId} /><//>`}
          <${Fact} name=${t.pickers.model}>${agent.model || t.pickers.standard}<//>
          <${Fact} name=${t.pickers.mode}>${t.pickers.modes[agent.mode] ?? agent.mode}<//>
          ${agent.effort && html`<${Fact} name=${t.pickers.effort}>${agent.effort}<//>`}
          ${flags.map(([name, value]) =>
            html`<${Fact} key=${name} name=${t.flags[name] ?? name}><span class="mono">${flagText(value)}</span><//>`
          )}
        </dl><//>
        <${Card} title=${d.usage}><dl class="facts-list">
          ${usage.costUsd !== null && html`<${Fact} name=${t.agent.cost}>${money(usage.costUsd)}<//>`}
          <${Fact} name=${d.turns}>${usage.turns}<//>
          <${Fact} name=${d.input}>${count(usage.inputTokens)}<//>
          <${Fact} name=${d.output}>${count(usage.outputTokens)}<//>
          <${Fact} name=${d.cacheRead}>${count(usage.cacheReadTokens)}<//>
          <${Fact} name=${d.cacheWrite}>${count(usage.cacheWriteTokens)}<//>
        </dl><//>
      </div>
  `;
}

const flagText = (
  value: unknown,
) => (Array.isArray(value) ? value.join(', ') : value === true ? t.details.yes : String(value));

const Fact = ({ name, children }: { name: string; children?: ComponentChildren }) =>
  html`
    <div>
      <dt>${name}</dt>
      <dd>${children}</dd>
    </div>
  `;
