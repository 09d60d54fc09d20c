/** The agents at the start of the server: what stands in the way of one is said, and holds up no other. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentFiles } from '../../../agent/session/agent-files.ts';
import type { AgentSession } from '../../../agent/session/session.ts';
import { startAgents, type StartOptions } from '../../../agent/session/start-agents.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const IDS = ['a', 'b', 'c', 'd'];

/** Four agents that were at work when the server was killed. `fails`: what of the second one throws. */
async function started(fails: 'recover' | 'add' | 'reopen') {
  const { path, remove } = temporaryDirectory();
  const context = testContext({ dataDir: path });
  const recovered: string[] = [];
  const refuse = (id: string, what: string) => {
    if (id === 'b' && what === fails) throw new Error('the journal is a folder');
  };
  const add: StartOptions['add'] = ({ value }) => {
    const { id } = value.info;
    refuse(id, 'add');
    const done = (what: string) => () => {
      refuse(id, what);
      recovered.push(id);
    };
    const session = {
      ...value,
      id,
      save: () => Promise.resolve(),
      preload: () => Promise.resolve(),
      unloadIfUnused() {},
    };
    return { ...session, recover: done('recover'), reopen: done('reopen') } as unknown as AgentSession;
  };
  const infoOf = (id: string) => ({ id, provider: 'claude', state: 'running', cli: { running: true }, queue: [] });
  const run = fails === 'reopen' ? { holder: 'h', state: null } : undefined;
  const files = {
    ids: () => IDS,
    read: (id: string) => ({ value: { info: infoOf(id), process: null, run } }),
    forgetPlan: () => Promise.resolve(),
  } as unknown as AgentFiles;
  const workspace = { removeUnfinished: () => Promise.resolve() };
  try {
    await startAgents({ context, providers: { get: () => null }, workspace, files, add });
  } finally {
    remove();
  }
  return { recovered, warnings: [...context.warnings] };
}

for (const fails of ['recover', 'add', 'reopen'] as const) {
  test(`one whose ${fails} fails`, async () => {
    const { recovered, warnings } = await started(fails);
    assert.equal(recovered, ['a', 'c', 'd']);
    assert.equal(warnings, [['record b', 'An agent could not be taken up again: the journal is a folder']]);
  });
}

test.run();
