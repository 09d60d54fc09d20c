import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HOOKS_PATH, LocalToken, PROOF_PATH } from '../../../agent/access/local-token.ts';
import { answerHook } from '../../../cli/client/hook-call.ts';

const INPUT = JSON.stringify({ session_id: 'x', hook_event_name: 'Stop' });

let dataDir: string;
let server: Server;
test.before.each(() => void (dataDir = mkdtempSync(join(tmpdir(), 'hook-call-'))));
test.after.each(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dataDir, { recursive: true, force: true });
});

/** A server with the token of the data directory. @param onProof before each answer @returns what was posted to it */
async function serve(onProof: (nth: number) => void | Promise<void>, replies: unknown[]) {
  let token = await LocalToken.create(dataDir);
  const posted: unknown[] = [];
  let proofs = 0;
  server = createServer(async (req, res) => {
    const url = new URL(req.url!, 'http://x');
    if (url.pathname === PROOF_PATH) {
      await onProof(proofs++);
      const local = { ...req, headers: req.headers, transport: 'local' } as never;
      return void res.end(JSON.stringify({ proof: token.prove(local, url.searchParams.get('nonce'), port()) }));
    }
    assert.is(url.pathname, HOOKS_PATH);
    let text = '';
    for await (const chunk of req) text += chunk;
    posted.push(JSON.parse(text));
    res.end(JSON.stringify(replies[posted.length - 1]));
  });
  const port = () => (server.address() as AddressInfo).port;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const restart = async () => void (token = await LocalToken.create(dataDir));
  return { origin: `http://127.0.0.1:${port()}`, posted, restart, proofs: () => proofs };
}

test('a server that starts while its token is read is asked again', async () => {
  const done = { output: null };
  const stand = await serve((nth) => nth === 1 ? stand.restart() : undefined, [{ output: null, again: true }, done]);
  await answerHook(INPUT, { origin: stand.origin, dataDir }, new AbortController().signal);
  assert.equal([stand.posted.length, stand.proofs()], [2, 3]);
  assert.is((stand.posted[0] as { id: string }).id, (stand.posted[1] as { id: string }).id);
});

test('whoever cannot prove itself is told nothing, and asked once', async () => {
  const stand = await serve(() => {}, []);
  writeFileSync(join(dataDir, 'local-token'), `${'0'.repeat(64)}\n`);
  await answerHook(INPUT, { origin: stand.origin, dataDir }, new AbortController().signal);
  assert.equal([stand.posted, stand.proofs()], [[], 1]);
});

test('a hook that is ended while the server proves itself ends quietly', async () => {
  const ending = new AbortController();
  const stand = await serve(() => ending.abort(), [{ output: null }]);
  await answerHook(INPUT, { origin: stand.origin, dataDir }, ending.signal);
  assert.equal(stand.posted, []);
});

test.run();
