/** The line of an agent's card says what it writes, while it writes it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ProviderEvent } from '../../../agent/provider/provider.ts';
import { READY, withScriptedAgents } from '../../support/harness/scripted-agents.ts';

const start = (id: string, more: object = {}): ProviderEvent => ({ type: 'text.start', id, thinking: false, ...more });
const delta = (id: string, text: string): ProviderEvent => ({ type: 'text.delta', id, text });

test('the newest of a text that streams in, a second later at most; neither thoughts nor what a subagent says', () =>
  withScriptedAgents(async ({ agents, clock, create, session }) => {
    const { id } = await create('work');
    const { emit } = session();
    const shown = () => {
      clock.advance(1000);
      return agents.info(id).preview;
    };
    emit(...READY, { type: 'turn.start' }, start('t'), delta('t', 'first'));
    assert.is(shown(), 'first');
    emit(delta('t', ' and\nsecond'));
    assert.is(shown(), 'first and second');
    emit(start('h', { thinking: true }), delta('h', 'a thought'));
    emit(start('s', { parent: 'task' }), delta('s', 'a subagent'));
    assert.is(shown(), 'first and second');
    emit({ type: 'text.end', id: 't', text: 'the whole', thinking: false });
    assert.is(shown(), 'the whole');
  }));

test.run();
