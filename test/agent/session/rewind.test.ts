/** A rewind is on record before it begins, ends before the session does, and knows a change by hand also of while no server ran. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Failure } from '../../../core/api/errors.ts';
import type { RewoundFiles } from '../../../agent/provider/provider.ts';
import { applyEvent } from '../../../agent/session/apply-event.ts';
import type { EventContext } from '../../../agent/session/event-context.ts';
import { DONE, READY, type ScriptedAgents, settle, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

/** What the CLI does when it is really asked. */
type Work = () => Promise<RewoundFiles>;
const ANSWER: RewoundFiles = { files: ['a.txt'], insertions: 1, deletions: 0, skipped: 0 };

async function rewindable(
  place: ScriptedAgents,
  work: Work,
): Promise<{ id: string; message: string; version: string }> {
  const { id } = await place.create('edit');
  const message = place.agents.messages(id, {}).messages[0]!.id;
  writeFileSync(join(place.directory, 'a.txt'), 'agent');
  const session = place.session();
  session.emit(...READY, { type: 'message.status', id: message, status: 'sent' }, { type: 'turn.start' });
  session.emit({ type: 'tool.input', id: 't', tool: 'Write', title: 'a.txt', input: {} });
  const diffs = [{ path: 'a.txt', diff: '', created: true } as never];
  session.emit({ type: 'tool.end', id: 't', status: 'done', result: { text: '', diffs } as never }, DONE);
  Object.assign(session, {
    rewindFiles: (_message: string, dryRun: boolean) => dryRun ? Promise.resolve(ANSWER) : work(),
  });
  const { version } = await place.agents.rewind(id, message, undefined, 'test');
  return { id, message, version };
}
const last = ({ agents }: ScriptedAgents, id: string) => {
  const message = agents.messages(id, {}).messages.at(-1)!;
  return message.kind === 'notice' ? [message.level, message.code, message.text] : [];
};
const code = (work: Promise<unknown>) => work.then(() => '', (failure: Failure) => failure.code);

test('that it was begun is on disk before a file is touched; then how it ended', () =>
  withScriptedAgents(async (place) => {
    let journal = '';
    const { id, message, version } = await rewindable(place, () => {
      journal = readFileSync(place.file(id, 'journal.jsonl'), 'utf8');
      return Promise.resolve(ANSWER);
    });
    await place.agents.rewind(id, message, version, 'test');
    assert.match(journal, 'Rewinding files to before the message \\"edit\\" was begun, and its end was not seen');
    assert.match(journal, 'Look at them: a.txt.');
    assert.equal(last(place, id), ['info', 'rewound', 'The files are as they were before the message "edit": a.txt.']);
    assert.not.match(JSON.stringify(place.agents.messages(id, {})), 'was begun');
  }));

test('one that fails says so, with the files', () =>
  withScriptedAgents(async (place) => {
    let asked = 0;
    const { id, message, version } = await rewindable(place, () => {
      asked++;
      return Promise.reject(new Error('the disk is full'));
    });
    assert.is(await code(place.agents.rewind(id, message, version, 'test')), 'no_checkpoint');
    assert.equal(last(place, id).slice(0, 2), ['warning', 'rewind_failed']);
    assert.match(last(place, id)[2]!, /did not end well \(.*the disk is full\)\. Look at them: a\.txt\./);
    assert.is(asked, 1);
  }));

test('the end of the server waits for it, and nothing is taken after it', () =>
  withScriptedAgents(async (place) => {
    let finish = () => {};
    const { id, message, version } = await rewindable(
      place,
      () => new Promise((resolve) => finish = () => resolve(ANSWER)),
    );
    const rewound = place.agents.rewind(id, message, version, 'test');
    await settle();
    assert.is(await code(place.agents.send(id, { text: 'meanwhile' }, 'test')), 'agent_busy');
    const { agents, provider } = place;
    const closed = agents.close();
    await settle();
    assert.not.ok(provider.sessions[0]!.calls.some(([method]) => method === 'stop'), 'the CLI is at it');
    finish();
    await Promise.all([rewound, closed]);
    assert.is(await code(agents.send(id, { text: 'after' }, 'test')), 'closing');
    await place.restart();
    assert.is(last(place, id)[1], 'rewound');
  }));

test('what changed by hand while no server ran is known: an edit that is read again ended when the CLI says', () =>
  withScriptedAgents(async (place) => {
    const { id, message } = await rewindable(place, () => Promise.resolve(ANSWER));
    const path = join(place.directory, 'a.txt');
    const listed = async () => (await place.agents.rewind(id, message, undefined, 'test')).files[0]!.changedSince;
    const endedAt = 10_000;
    const log = {
      get: () => place.agents.message(id, 't'),
      patch: (_id: string, patch: object) => Object.assign(place.agents.message(id, 't')!, patch),
    };
    const context = { log, now: () => 90_000, isReplay: () => true } as unknown as EventContext;
    const result = { text: '', diffs: [{ path: 'a.txt' }] } as never;
    for (const at of [endedAt, undefined]) { // one without a time: as it was known
      applyEvent(context, { type: 'tool.end', id: 't', status: 'done', result, ...(at ? { at } : {}) });
      for (const [changedAt, isByHand] of [[endedAt - 5, false], [endedAt + 5, true], [80_000, true]] as const) {
        utimesSync(path, changedAt / 1000, changedAt / 1000);
        assert.is(await listed(), isByHand, `${at} ${changedAt}`);
      }
    }
  }));

test.run();
