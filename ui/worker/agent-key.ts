/** An agent among those of all machines: its id alone is unique on its own machine only, and another could claim it. */
export const agentKey = (machine: string, agent: string): string => machine ? `/m/${machine}/${agent}` : agent;
