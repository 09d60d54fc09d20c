/**
 * `tsx scripts/conformance/echo-client.ts URL [--plain]`: connects, echoes every message, and ends when the connection is closed: 0
 * after a closing handshake, 1 otherwise. It offers permessage-deflate unless told not to, for a suite decides by its
 * answer. It uses nothing but the public surface.
 */
import process from 'node:process';
import { dial } from '../../core/websocket/mod.ts';
import { WIDE_LIMITS } from './echo-limits.ts';

const args = process.argv.slice(2);
const url = args.find((arg) => !arg.startsWith('-'));
if (!url) {
  console.error('Say where to connect to: echo-client.ts URL [--plain]');
  process.exit(2);
}
try {
  const deflate = !args.includes('--plain') && { threshold: 0 };
  const connection = await dial(url, { limits: WIDE_LIMITS, deflate });
  connection.ondrain = () => connection.resume();
  connection.onmessage = (message) => {
    if (!connection.send(message)) connection.pause();
  };
  const { code, reason } = await connection.closed;
  console.log(`closed ${code} ${reason}`.trim());
  if (connection.error) console.log(`${connection.error.code}: ${connection.error.message}`);
  process.exitCode = code === 1006 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
