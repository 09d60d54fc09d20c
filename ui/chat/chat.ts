import { html } from '../html.ts';
import type { TabProps } from '../pages/agent-tabs.ts';

export default function Tab({ agent }: TabProps) {
  return html`<div>${agent.name}</div>`;
}
