/** Conversations that were left: which stay in the page, and for how long. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Api } from '../../../ui/net/api.ts';
import { createChats } from '../../../ui/net/chats.ts';
import type { Live } from '../../../ui/net/live.ts';
import { apply, createStore } from '../../../ui/state/store.ts';
import { messages, text } from '../../support/fakes/ui-data.ts';

/** Chats whose page comes as soon as they are watched. */
function setup() {
  const store = createStore();
  const watched: string[] = [];
  const watch = (agent: string) => {
    watched.push(agent);
    store.value = apply(store.value, {
      type: 'messages',
      seq: 1,
      agent,
      messages: messages([text(`of ${agent}`)]),
      more: false,
    });
    return () => watched.splice(watched.indexOf(agent), 1) && !watched.includes(agent);
  };
  const chats = createChats({ api: {} as Api, live: { watch } as unknown as Live, store });
  return { chats, store, known: () => Object.keys(store.value.chats) };
}

test('the conversations that were left last stay, those before them do not', () => {
  const { chats, store, known } = setup();
  for (let i = 1; i <= 12; i++) chats.open(`a${i}`)();
  assert.equal(known(), Array.from({ length: 8 }, (_, i) => `a${i + 5}`));
  assert.ok(Object.values(store.value.chats).every(({ stale, ready }) => stale && ready));
});

test('one that is opened again counts as the newest when it is left', () => {
  const { chats, known } = setup();
  for (let i = 1; i <= 8; i++) chats.open(`a${i}`)();
  chats.open('a1')();
  chats.open('a9')();
  assert.ok(known().includes('a1'));
  assert.not.ok(known().includes('a2'));
});

test('one that is looked at is never dropped, nor is it stale while another looks at it', () => {
  const { chats, store, known } = setup();
  const close = chats.open('open');
  chats.open('open')();
  assert.not.ok(store.value.chats.open!.stale);
  for (let i = 1; i <= 20; i++) chats.open(`a${i}`)();
  assert.ok(known().includes('open'));
  assert.is(known().length, 9);
  close();
  assert.ok(store.value.chats.open!.stale);
});

test.run();
