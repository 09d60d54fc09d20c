/** The data directory copied to another home: agents are there; worktrees that came along are found, those that did not are said to be missing. */
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import { type Bench, startBench } from '../support/harness/agent-server.ts';
import { makeRepository, temporaryDirectory } from '../support/harness/git.ts';

/** Makes an agent with a worktree, ends its server, lets `move` change the disk, and starts another server on what is there. */
async function moved(
  move: (places: { directory: string; project: string; dataDir: string }) => string,
  look: (bench: Bench, agent: AgentInfo) => Promise<void>,
): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  const project = makeRepository(join(directory, 'home/project'));
  const dataDir = join(directory, 'home/data');
  const first = await startBench({ DATA_DIR: dataDir });
  let bench: Bench | null = null;
  try {
    const agent = await first.create('hello', { directory: project });
    await first.until(agent.id, ({ state }) => state === 'idle');
    await first.server.close();
    bench = await startBench({ DATA_DIR: move({ directory, project, dataDir }) });
    const agents = (await bench.call('GET', '/api/agents')).body as AgentInfo[];
    assert.equal(agents.map(({ id }) => id), [agent.id]);
    assert.ok((await bench.messages(agent.id)).some((message) => message.kind === 'text'), 'the conversation');
    await look(bench, agents[0]!);
  } finally {
    await bench?.close();
    rmSync(first.directory, { recursive: true, force: true });
    remove();
  }
}

const copyData = (dataDir: string, to: string) => {
  cpSync(dataDir, to, { recursive: true, preserveTimestamps: true });
  return to;
};

test('only the data came along: the missing worktree is said, the agent can be deleted', () =>
  moved(({ directory, project, dataDir }) => {
    const copy = copyData(dataDir, join(directory, 'other/data'));
    rmSync(project, { recursive: true });
    return copy;
  }, async (bench, { id, worktree }) => {
    const changes = await bench.call('GET', `/api/agents/${id}/changes`);
    assert.is(changes.status, 409);
    assert.match(changes.body.error, worktree!.path);
    const sent = await bench.call('POST', `/api/agents/${id}/message`, { text: 'go on' });
    if (sent.status < 400) {
      const { stateText } = await bench.until(id, ({ state }) => state === 'error');
      assert.match(stateText, /folder|directory|worktree/i);
    } else assert.ok(sent.status < 500, `${sent.status} ${sent.body.error}`);
    const removed = await bench.call('DELETE', `/api/agents/${id}?discardWork=true`);
    assert.ok(removed.status === 200 || removed.status === 409, `${removed.status} ${removed.body?.error}`);
  }));

test('the project is at its old place: the worktree is found from the copy', () =>
  moved(
    ({ directory, dataDir }) => copyData(dataDir, join(directory, 'other/data')),
    async (bench, { id }) => {
      const changes = await bench.call('GET', `/api/agents/${id}/changes`);
      assert.equal([changes.status, changes.body.files], [200, []]);
      assert.is((await bench.call('DELETE', `/api/agents/${id}`)).status, 200);
    },
  ));

test('the home was renamed with all that is in it: nothing of another place is touched', () =>
  moved(({ directory }) => {
    renameSync(join(directory, 'home'), join(directory, 'renamed'));
    return join(directory, 'renamed/data');
  }, async (bench, { id, worktree }) => {
    const changes = await bench.call('GET', `/api/agents/${id}/changes`);
    assert.is(changes.status, 409);
    assert.match(changes.body.error, worktree!.path);
  }));

test.run();
