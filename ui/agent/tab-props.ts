import type { AgentInfo } from '../../core/api/agents.ts';

/** What every tab of an agent's page is drawn with. */
export interface TabProps {
  agent: AgentInfo;
}
