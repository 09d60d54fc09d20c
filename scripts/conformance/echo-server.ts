/**
 * `tsx scripts/conformance/echo-server.ts PORT [--deflate] [--host ADDRESS]`: echoes every WebSocket message up to 64 MiB,
 * on 127.0.0.1 unless told. For conformance suites and by hand; it uses nothing but the public surface.
 */
import http from 'node:http';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { acceptSocket } from '../../core/websocket/mod.ts';
import { WIDE_LIMITS } from './echo-limits.ts';

function main(args: string[]): void {
  const { positionals: [text = ''], values } = parseArgs({
    args,
    options: { deflate: { type: 'boolean' }, host: { type: 'string' } },
    allowPositionals: true,
  });
  const { deflate = false, host = '127.0.0.1' } = values;
  const port = text === '' ? NaN : Number(text);
  if (!(port >= 0 && port < 65536)) {
    console.error('Say which port to listen on: echo-server.ts PORT [--deflate] [--host ADDRESS]');
    process.exit(2);
  }
  const server = http.createServer((_, res) => res.writeHead(426, { Upgrade: 'websocket' }).end());
  server.on('upgrade', (req, socket, head) => {
    const options = { limits: WIDE_LIMITS, deflate: deflate && { threshold: 0 } };
    const connection = acceptSocket(req, socket, head, options);
    if (connection) connection.onmessage = (message) => connection.send(message);
  });
  server.on('error', (error) => {
    console.error(`Cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  });
  server.listen(port, host, () => {
    const address = server.address();
    console.log(`listening on port ${typeof address === 'object' ? address?.port : port}`);
  });
}

main(process.argv.slice(2));
