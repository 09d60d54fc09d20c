/** What comes from a conversation that is shared with a terminal: each message once, whoever sent it, over whichever link. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import { Registry } from '../../../agent/session/registry.ts';
import type { AgentWorkspace } from '../../../agent/workspace/workspace.ts';
import type { UserMessage } from '../../../core/api/messages.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { testContext } from '../../support/fakes/test-context.ts';

const ID = '11111111-1111-4111-8111-111111111111';
const workspace = {
  prepare: ({ directory }: { directory: string }) =>
    Promise.resolve({ directory, cwd: directory, worktree: null, notice: '' }),
} as unknown as AgentWorkspace;
const typed = (id: string, text: string, clientId?: string): ProviderEvent => ({
  ...{ type: 'typed', id, text, images: 0, by: 'the desk' },
  ...(clientId ? { clientId } : {}),
});

test('a message of this agent that comes back over the next link is no second one, and its fate is known', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'shared-'));
  const provider = scriptedProvider();
  const context = testContext({ dataDir: join(directory, 'data'), clock: fakeClock() });
  const agents = await Registry.open({ context, providers: { get: () => provider }, workspace });
  try {
    const { id } = await agents.create({ directory }, 'test');
    const users = () =>
      agents.messages(id, {}).messages.filter((message): message is UserMessage => message.kind === 'user')
        .map(({ text, status, error = '' }) => [text, status, error]);
    const { emit } = provider.sessions[0]!;
    emit({ type: 'ready', sessionId: 's-1', version: '1', capabilities: null });
    await agents.send(id, { text: 'mine', clientId: ID }, 'test');
    emit({ type: 'message.status', id: ID, status: 'failed', error: 'It is not known' });
    emit(typed('u1', 'mine', ID), typed('u2', 'theirs'), typed('u3', 'of another program', 'x'), typed('u2', 'theirs'));
    assert.equal(users(), [['mine', 'sent', ''], ['theirs', 'sent', ''], ['of another program', 'sent', '']]);
  } finally {
    await agents.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

test.run();
