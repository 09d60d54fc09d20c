/** What this machine's server says about itself, when it runs. */
import { readConfig } from '../agent/config.ts';
import { programEnv } from './home.ts';

export interface LocalHealth {
  port: number;
  version: string;
  agents: number;
  /** null: no relay is set. */
  tunnel: { kind: string; text?: string } | null;
  warnings: { code: string; text: string }[];
}

/** How long the server may take to answer, ms. */
const ANSWER_MS = 5_000;

/** @returns null when a login is needed to see it. Rejects when nothing answers, or when the settings are wrong. */
export async function localHealth(env: Readonly<Record<string, string | undefined>>): Promise<LocalHealth | null> {
  const { port, host } = readConfig(programEnv(env));
  const name = !host || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const response = await fetch(`http://${name}:${port}/api/health`, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`status ${response.status}`);
  return { port, ...await response.json() as Omit<LocalHealth, 'port'> };
}
