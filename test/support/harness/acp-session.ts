/** A session with the scripted agent of the Agent Client Protocol. */
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { type AcpOptions, createAcp } from '../../../agent/provider/acp/acp.ts';
import type { OpenOptions, ProviderSession } from '../../../agent/provider/provider.ts';
import { record, type Recorder } from '../fakes/provider-recorder.ts';

export const FAKE_ACP = fileURLToPath(new URL('../fakes/fake-acp.mjs', import.meta.url));

export const OPEN: OpenOptions = {
  agentId: 'a',
  cwd: tmpdir(),
  resume: null,
  fork: false,
  flags: {},
  model: '',
  mode: 'default',
  effort: '',
};

/** @param script what the agent does, see fake-acp.mjs */
export async function withSession(
  script: object,
  use: (session: ProviderSession, seen: Recorder) => Promise<void>,
  options: Partial<OpenOptions> = {},
  machine: Omit<AcpOptions, 'agent'> & { agent?: Partial<AcpOptions['agent']> } = {},
): Promise<void> {
  const env = { ...process.env, ACP_SCRIPT: JSON.stringify(script) };
  const agent = { id: 'fake', name: 'Fake', command: FAKE_ACP, args: [], install: 'npm install -g fake' };
  const seen = record();
  const provider = createAcp({ env, ...machine, agent: { ...agent, ...machine.agent } });
  const session = provider.open({ ...OPEN, ...options }, seen.emit);
  try {
    await use(session, seen);
  } finally {
    await session.stop();
  }
}

export const message = (text: string, id = text) => ({ id, text, images: [] as { mediaType: string; data: string }[] });

/** What the agent said, without its thoughts. */
export const said = (seen: Recorder) => seen.of('text.end').filter(({ thinking }) => !thinking).map(({ text }) => text);
