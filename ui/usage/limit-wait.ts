import type { AgentInfo } from '../../core/api/agents.ts';
import { useApp } from '../app.ts';
import { Button, Card, toastError, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { html } from '../html.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { resetTime } from './reset-time.ts';

interface Props {
  agent: AgentInfo;
}

function useGoOn({ id }: AgentInfo) {
  const { api } = useApp();
  return (goOn: boolean) => void api.put(path`/api/agents/${id}/go-on`, { goOn }).catch(toastError);
}

/** What an agent at a limit waits for, and whether it then goes on by itself. */
export function LimitWait({ agent }: Props) {
  const setGoOn = useGoOn(agent);
  const { limit, goOn = false } = agent;
  const canWait = limit?.resetsAt != null && !limit.isStuck;
  return html`
    <${Note} tone="warn">
      <span class="row between">
        <span>${sentence(agent)}</span>
        ${canWait && html`
          <${Button} class="small" icon=${goOn ? 'cross' : 'play'} onClick=${() => setGoOn(!goOn)}>
            ${goOn ? t.usage.wait.dont : t.usage.wait.goOn}
          <//>
        `}
      </span>
      <//>
  `;
}

function sentence({ limit, goOn }: AgentInfo): string {
  const w = t.usage.wait;
  if (limit?.isStuck) return w.stuck;
  if (limit?.resetsAt == null) return w.noEnd;
  return goOn ? w.goesOn(resetTime(limit.resetsAt)) : w.resets(resetTime(limit.resetsAt));
}

/** The choice ahead of any limit. */
export function GoOnCard({ agent }: Props) {
  const setGoOn = useGoOn(agent);
  return html`
    <${Card} title=${t.usage.wait.title}>
      <${Toggle} label=${t.usage.wait.goOn} hint=${t.usage.wait
        .hint} checked=${agent.goOn === true} onChange=${setGoOn} />
      <//>
  `;
}
