/**
 * A machine with nothing but the live feed, for bench:feed:
 *
 *   tsx scripts/bench/feed-machine.ts --relay ws://host:port/tunnel --token T --agents N --rate R
 *
 * Every agent publishes R deltas a second, each with the time at which it was published. Prints `machine connected` each time
 * that the tunnel is up.
 */
import process from 'node:process';
import { EventLog } from '../../agent/live/event-log.ts';
import { LiveFeed } from '../../agent/live/feed.ts';
import { startTunnelClient } from '../../agent/tunnel/client.ts';
import { Router } from '../../core/http/router.ts';
import { createLog } from '../../core/log.ts';
import { agent, machine } from '../../test/support/fakes/ui-data.ts';

/** What a CLI streams at once. */
const WORDS = ' and the total of the invoice is rounded once, at the end;';

const value = (name: string): string => process.argv[process.argv.indexOf(`--${name}`) + 1]!;

const ids = Array.from({ length: Number(value('agents')) }, (_, i) => `agent-${i}`);
const events = new EventLog();
const feed = new LiveFeed({
  events,
  sources: {
    machine: () => machine,
    snapshot: () => ({
      agents: ids.map((id) => agent({ id })),
      ...{ terminals: [], templates: [], tasks: [], warnings: [] },
      pipeline: {
        running: false,
        startedAt: null,
        text: '',
        counts: { pending: 0, running: 0, waiting_input: 0, completed: 0, failed: 0, skipped: 0, blocked: 0 },
      },
    }),
    has: (id) => ids.includes(id),
    page: () => ({ messages: [], more: false }),
  },
});
const router = new Router((error) => console.error(error));
router.get('/api/live', (req, res) => feed.serve(req, res));

let offset = 0;
function publish(id: string): void {
  const text = `${Date.now()}${WORDS}`;
  events.publish({ type: 'delta', agent: id, id: 'message', field: 'text', offset, text });
  offset += text.length;
}

const periodMs = 1000 / Number(value('rate'));
// As agents do, each in a time of its own.
for (const [i, id] of ids.entries()) {
  setTimeout(() => setInterval(() => publish(id), periodMs), (i * periodMs) / ids.length);
}
startTunnelClient({
  url: value('relay'),
  token: value('token'),
  handler: (req, res) => router.handle(req, res),
  info: { name: 'bench machine', version: '0' },
  log: createLog({ level: 'warn' }),
  onState: ({ kind }) => {
    if (kind === 'connected') console.log('machine connected');
  },
});
