/** Who takes a session over may come twice, or be gone before the program at the desk is: that ends for an agent alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../core/clock.ts';
import type { Failure } from '../../../core/api/errors.ts';
import { Handoff } from '../../../agent/handoff/handoff.ts';
import { isSameProcess, processIdentity } from '../../../agent/process/identity.ts';
import type { LiveSession } from '../../../agent/provider/terminal-sessions.ts';
import { Registry } from '../../../agent/session/registry.ts';
import type { AgentWorkspace } from '../../../agent/workspace/workspace.ts';
import { scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const SESSION = '22222222-2222-4222-8222-222222222222';
const COMMAND = '11111111-1111-4111-8111-111111111111';
const nothing = () => Promise.resolve();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A program at the desk, real but for what it says of itself. */
async function withDesk(use: (it: Awaited<ReturnType<typeof world>>) => Promise<void>): Promise<void> {
  const { path, remove } = temporaryDirectory();
  const it = await world(path);
  try {
    await use(it);
  } finally {
    it.go();
    await it.handoff.close();
    await it.agents.close();
    it.program.kill('SIGKILL');
    remove();
  }
}

async function world(directory: string) {
  const program = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(program, 'spawn');
  const identity = processIdentity(program.pid!)!;
  const state = { status: 'idle', prepared: 0, looks: 0, until: Promise.resolve() };
  let go = () => {};
  const live = (): LiveSession => ({
    ...{ pid: program.pid!, process: identity, isOwn: true, id: SESSION, directory, name: 'desk' },
    ...{ version: '1', startedBy: 'person', attach: null, waitingFor: '', startedAt: 1, statusAt: 1 },
    status: state.status,
  });
  const isOver = () => !isSameProcess(identity);
  const provider = Object.assign(scriptedProvider(), {
    terminalSessions: {
      directory,
      list: () => Promise.resolve(++state.looks && isOver() ? [] : [live()]),
      path: () => Promise.resolve(null),
      transcript: () => assert.unreachable('it is not read along'),
      mode: () => Promise.resolve(null),
    },
  });
  const workspace: AgentWorkspace = {
    async prepare({ directory }) {
      state.prepared++;
      await state.until;
      return { directory, cwd: directory, worktree: null, notice: '' };
    },
    ...{ unmerged: () => Promise.resolve([]), refuseUnremovable: nothing, removeUnfinished: nothing, remove: nothing },
  };
  const context = testContext({ dataDir: `${directory}/data`, clock: systemClock });
  const agents = await Registry.open({ context, providers: { get: () => provider }, workspace });
  const handoff = new Handoff({ context, agents, providers: [provider] });
  const hold = () => state.until = new Promise((resolve) => go = resolve);
  return { program, state, provider, agents, handoff, hold, go: () => go(), isOver, directory };
}

const code = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'done', (error: Failure) => error.code);

test('the same command again while the agent is being made: one agent, and both get it', () =>
  withDesk(async ({ handoff, hold, go, state, agents, isOver }) => {
    hold();
    const first = handoff.take(SESSION, { clientId: COMMAND }, 'test');
    while (!state.prepared) await pause(5);
    assert.ok(isOver());
    const second = handoff.take(SESSION, { clientId: COMMAND }, 'test');
    assert.is(await code(handoff.take(SESSION, {}, 'test')), 'not_found', 'somebody else');
    go();
    const [{ id }, again] = await Promise.all([first, second]);
    assert.equal([again.id, agents.list().length], [id, 1]);
    assert.is((await handoff.take(SESSION, { clientId: COMMAND }, 'test')).id, id, 'afterwards too');
  }));

test('a server that ends while a turn at the desk is waited for leaves the program alone', () =>
  withDesk(async ({ handoff, state, agents, isOver }) => {
    state.status = 'busy';
    const taking = code(handoff.take(SESSION, {}, 'test'));
    while (state.looks < 3) await pause(5); // the list, then each look of the wait
    await Promise.all([handoff.close(), agents.close()]);
    state.status = 'idle';
    assert.equal([await taking, isOver()], ['closing', false]);
  }));

test('so does one whose agent is deleted meanwhile', () =>
  withDesk(async ({ handoff, state, agents, isOver, directory }) => {
    const { id } = await agents.create({ directory, flags: { resume: SESSION } }, 'test');
    state.status = 'busy';
    const taking = code(handoff.take(SESSION, {}, 'test'));
    while (state.looks < 3) await pause(5); // the list, then each look of the wait
    await agents.remove(id, { discardWork: true }, 'test');
    state.status = 'idle';
    assert.equal([await taking, isOver(), agents.list()], ['not_found', false, []]);
  }));

test.run();
