/** The built-in clients of Node (undici) and Deno against our server, with and without compression. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CLIENT_PROGRAM, CLIENT_SEES } from '../../support/harness/websocket-client.ts';
import { closeServers, serve } from '../../support/harness/websocket-peers.ts';

const DENO = fileURLToPath(new URL('../../../node_modules/.bin/deno', import.meta.url));
const CLIENTS: [string, string, string[]][] = [
  ['node', 'node', ['--experimental-websocket', '--input-type=module', '--eval']],
  ['deno', DENO, ['eval']],
];

const run = (file: string, args: string[]) =>
  new Promise<string>((resolve, reject) =>
    execFile(
      file,
      args,
      { env: { ...process.env, NODE_OPTIONS: '' } },
      (error, out) => error ? reject(error) : resolve(out),
    )
  );

for (const [name, file, args] of CLIENTS) {
  for (const deflate of [false, true]) {
    test(`${name}'s client${deflate ? ', which may compress' : ''}`, async () => {
      const server = await serve((connection) => connection.onmessage = (message) => connection.send(message), {
        protocols: ['a'],
        deflate: deflate && { threshold: 0 },
      });
      const program = `${CLIENT_PROGRAM.replace('TARGET', JSON.stringify(server.url))}; console.log(await finished)`;
      const { extensions, ...seen } = JSON.parse(await run(file, [...args, program]));
      assert.equal(seen, CLIENT_SEES);
      assert.is(extensions !== '', server.connections[0]!.deflate !== null);
      assert.equal(await server.connections[0]!.closed, { code: 4000, reason: 'bye' });
    });
  }
}

test.after.each(closeServers);

test.run();
