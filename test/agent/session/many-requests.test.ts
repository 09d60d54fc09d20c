/** Thousands of open requests in one burst: the loop is not held up, and none is lost. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestMessage } from '../../../core/api/messages.ts';
import { MAX_PENDING } from '../../../agent/session/bounds.ts';
import { Registry } from '../../../agent/session/registry.ts';
import { scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { cpuMs } from '../../support/harness/cpu-time.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';

const choices = [{ id: 'allow', label: 'Allow', detail: '', tone: 'allow' }] as const;
const request = (n: number) => ({
  ...{ requestId: `request-${n}`, request: 'permission', toolId: null, tool: 'Bash', title: `command ${n}` } as const,
  ...{ description: '', input: { command: `echo ${n}` }, diffs: [], choices: [...choices], questions: [], plan: '' },
});

async function withBurst(
  count: number,
  use: (place: {
    agents: Registry;
    id: string;
    ms: number;
    emit: (event: Parameters<ReturnType<typeof scriptedProvider>['sessions'][0]['emit']>[0]) => void;
    published: number;
  }) => Promise<void> | void,
): Promise<void> {
  const { path: directory, remove } = temporaryDirectory();
  const context = testContext({ dataDir: join(directory, 'data') });
  const provider = scriptedProvider();
  const nothing = () => Promise.resolve();
  const agents = await Registry.open({
    context,
    providers: { get: () => provider },
    workspace: {
      prepare: () => Promise.resolve({ directory, cwd: directory, worktree: null, notice: '' }),
      unmerged: () => Promise.resolve([]),
      refuseUnremovable: nothing,
      remove: nothing,
      removeUnfinished: nothing,
    },
  });
  try {
    const { id } = await agents.create({ directory, prompt: 'go' }, 'test');
    const session = provider.sessions.at(-1)!;
    session.emit({ type: 'turn.start' });
    const before = context.published.length;
    const began = cpuMs();
    for (let n = 0; n < count; n++) session.emit({ type: 'request', request: request(n) });
    await new Promise((resolve) => setTimeout(resolve, 50)); // they are written
    const ms = cpuMs() - began;
    const published = context.published.length - before;
    await use({ agents, id, ms, emit: (event) => session.emit(event), published });
  } finally {
    await agents.close();
    remove();
  }
}

/** Processor time of turning so many requests into text and back. */
function plainMs(count: number): number {
  const began = cpuMs();
  const retained: unknown[] = [];
  for (let n = 0; n < count; n++) retained.push(JSON.parse(JSON.stringify({ ...request(n), seq: n, at: n })));
  return retained.length === count ? cpuMs() - began : NaN;
}

/** What else the machine does only adds to it: the least of some tries. */
const MAX_TRIES = 3;
for (const count of [1000, 2000, 5000]) {
  test(`${count} at once cost less than 200 ms, and each change is published once`, async () => {
    let [least, bound] = [Infinity, 0];
    for (let tries = 0; tries < MAX_TRIES && least >= bound; tries++) {
      await withBurst(count, ({ agents, id, ms, published }) => {
        // All of it was 3.6 s for 1,000. A slow machine is measured by what it costs to turn them into text and back.
        bound = Math.max(200, bound, 3 * plainMs(count));
        least = Math.min(least, ms);
        assert.ok(published <= count + 2 * MAX_PENDING + 2, `${published} changes`);
        assert.equal(agents.info(id).pending, Array.from({ length: MAX_PENDING }, (_, n) => `request-${n}`));
        assert.is((agents.message(id, `request-${count - 1}`) as RequestMessage).status, 'pending');
      });
    }
    console.log(`${count} requests: ${least.toFixed(0)} ms of processor time, at most ${bound.toFixed(0)}`);
    assert.ok(least < bound, `${least} ms, at most ${bound} ms`);
  });
}

test('when one is decided the next one moves up; when the turn is interrupted all are over', () =>
  withBurst(300, async ({ agents, id, emit }) => {
    await agents.decide(id, 'request-0', { decision: 'allow', clientId: 'c-1' }, 'test');
    assert.equal([agents.info(id).pending[0], agents.info(id).pending.at(-1)], ['request-1', `request-${MAX_PENDING}`]);
    await agents.decide(id, 'request-250', { decision: 'allow', clientId: 'c-2' }, 'test');
    assert.is((agents.message(id, 'request-250') as RequestMessage).decision!.decision, 'allow');
    const ended = { durationMs: 1, costUsd: null, inputTokens: null, outputTokens: null } as const;
    emit({ type: 'turn.end', outcome: 'interrupted', text: '', ...ended } as never);
    assert.equal(agents.info(id).pending, []);
    for (const n of [1, 99, 100, 299]) {
      assert.is((agents.message(id, `request-${n}`) as RequestMessage).status, 'cancelled', `${n}`);
    }
  }));

test.run();
