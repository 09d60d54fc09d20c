/** Ids of requests over servers: never one twice, and the same for the same request of a session that is opened. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../../core/clock.ts';
import { isPromptId, JsonRpc, promptId, type RpcError, type RpcId } from '../../../../agent/provider/acp/json-rpc.ts';

/** One server's end. */
function server() {
  const written: { id: number; key: string | undefined }[] = [];
  const unclaimed: [RpcId, object | RpcError][] = [];
  const rpc = new JsonRpc({
    write: ({ id }, key) => written.push({ id: id as number, key }) > 0,
    isHeld: true,
    onUnclaimed: (id, answer) => unclaimed.push([id, answer]),
    onRequest() {},
    onNotification() {},
    clock: systemClock,
  });
  return { rpc, written, unclaimed };
}

test('what opens a session has the same ids and keys for the next server, in the same order; another request has another', () => {
  const ask = (mode: string) => {
    const { rpc, written } = server();
    rpc.isOpening = true;
    void rpc.request('initialize', { protocolVersion: 1 });
    void rpc.request('session/set_mode', { modeId: mode });
    void rpc.request('session/set_mode', { modeId: mode });
    return written;
  };
  const first = ask('default');
  assert.equal(ask('default'), first);
  assert.is(new Set(first.map(({ id }) => id)).size, 3);
  assert.is.not(ask('plan')[1]!.id, first[1]!.id);
  assert.ok(first.every(({ key, id }) => key === `request ${id}` && !isPromptId(id) && id > 0));
});

test('other requests share no id with those of other servers, nor with prompts; all fit into 31 bits', () => {
  const ids: number[] = [];
  for (let i = 0; i < 50; i++) {
    const { rpc, written } = server();
    for (let j = 0; j < 20; j++) void rpc.request('session/set_mode', { j });
    ids.push(...written.map(({ id }) => id));
  }
  const prompts = Array.from({ length: 1000 }, (_, i) => promptId(`message ${i}`));
  assert.is(new Set([...ids, ...prompts]).size, ids.length + prompts.length);
  assert.ok(prompts.every(isPromptId) && !ids.some(isPromptId));
  assert.ok([...ids, ...prompts].every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 31));
  assert.is(promptId('a'), promptId('a'));
});

test('an answer to a request of an earlier server is passed on, once a request', async () => {
  const { rpc, unclaimed } = server();
  let settled: unknown = null;
  const named = { id: promptId('m'), key: 'message m' };
  const answer = rpc.request('session/prompt', {}, null, { named, settled: (result) => settled = result });
  rpc.receive({ jsonrpc: '2.0', id: promptId('m'), result: { stopReason: 'end_turn' } });
  assert.equal(settled, { stopReason: 'end_turn' }, 'before any later line');
  await answer;
  rpc.receive({ jsonrpc: '2.0', id: promptId('of before'), result: { stopReason: 'cancelled' } });
  assert.equal(unclaimed, [[promptId('of before'), { stopReason: 'cancelled' }]]);
});

test.run();
