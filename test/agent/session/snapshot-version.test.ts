/** What a server of another release has saved of a reader's state is not misread: its CLI is ended, and the session goes on by a resume. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HolderRecord } from '../../../agent/process/holder/records.ts';
import type { OpenOptions, ProviderEvent } from '../../../agent/provider/provider.ts';
import { Registry } from '../../../agent/session/registry.ts';
import { fakeClock } from '../../support/fakes/fake-clock.ts';
import { type ScriptedProvider, scriptedProvider } from '../../support/fakes/scripted-provider.ts';
import { testContext } from '../../support/fakes/test-context.ts';
import { temporaryDirectory } from '../../support/harness/git.ts';
import { READY, settle, workspace } from '../../support/harness/scripted-agents.ts';

/** In a holder. @param version of its snapshots; undefined: it names none */
function heldProvider(version: number | undefined): ScriptedProvider {
  const provider = scriptedProvider();
  const open = (options: OpenOptions, emit: (event: ProviderEvent) => void) => {
    const session = provider.open(options, emit);
    const { id, survivor } = options.holder!;
    const held = { id, isTurning: true, offset: survivor?.offset ?? 0, running: Promise.resolve() };
    if (survivor) queueMicrotask(() => emit({ type: 'caught.up' }));
    return Object.assign(session, { held: { ...held, snapshot: () => ({ line: 1 }), ack() {}, detach() {} } });
  };
  return { ...provider, isHeld: true, open, ...(version === undefined ? {} : { snapshotVersion: version }) };
}

/** @returns what the second server does with the CLI of the first */
async function secondServer(first: number | undefined, second: number | undefined, isFromBefore = false) {
  const { path, remove } = temporaryDirectory();
  const dataDir = join(path, 'data');
  const clock = fakeClock();
  const start = (directory: string, provider: ScriptedProvider, holders: HolderRecord[]) =>
    Registry.open({
      ...{ context: testContext({ dataDir: directory, clock }), providers: { get: () => provider }, workspace },
      holders,
    });
  const before = heldProvider(first);
  const agents = await start(dataDir, before, []);
  const { id } = await agents.create({ directory: path, prompt: 'work' }, 'test');
  Object.assign(before.sessions[0]!.held!, { offset: 1 });
  before.sessions[0]!.emit(...READY, { type: 'turn.start' }, { type: 'activity' });
  clock.advance(2000);
  await settle();
  // Killed: its files are as they are at this moment.
  const killed = join(path, 'killed');
  cpSync(dataDir, killed, { recursive: true });
  const file = join(killed, 'agents', id, 'agent.json');
  const record = JSON.parse(readFileSync(file, 'utf8'));
  if (isFromBefore) delete record.run.stateVersion;
  writeFileSync(file, JSON.stringify(record));
  await agents.close();
  const provider = heldProvider(second);
  const next = await start(killed, provider, [
    { id: record.run.holder, meta: { agentId: id } } as unknown as HolderRecord,
  ]);
  const notices = next.messages(id, {}).messages.flatMap((entry) => entry.kind === 'notice' ? [entry.code] : []);
  const result = { isTakenUp: provider.sessions.length === 1, notices, state: next.info(id).state };
  await next.send(id, { text: 'on' }, 'test');
  const { resume } = provider.sessions.at(-1)!.options;
  await next.close();
  remove();
  return { ...result, resume };
}

const GOES_ON = { isTakenUp: true, notices: [], state: 'running', resume: null };
const ENDED = { isTakenUp: false, notices: ['other_release', 'interrupted'], state: 'stopped', resume: 's-1' };

test('of the same version it is gone on with; of an older and a newer one it is not', async () => {
  assert.equal({ ...await secondServer(2, 2), resume: null }, GOES_ON);
  assert.equal(await secondServer(1, 2), ENDED);
  assert.equal(await secondServer(3, 2), ENDED);
});

test('without a version it is of the first', async () => {
  assert.equal({ ...await secondServer(1, undefined, true), resume: null }, GOES_ON);
  assert.equal(await secondServer(undefined, 2, true), ENDED);
});

test.run();
