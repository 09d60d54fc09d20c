/**
 * ntfy, Telegram and a webhook through kill -9 of the machine at random moments, with services that are slow or refuse: each
 * notice is there once, or is said to be unknown. NOTICE_ROUNDS: how often it is killed (3; more when asked).
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AgentInfo } from '../../core/api/agents.ts';
import type { ChannelStatus, NotifyChannel } from '../../core/api/notify.ts';
import type { DeliveryState } from '../../agent/notify/delivery-state.ts';
import { seeded } from '../support/fakes/seeded.ts';
import { startTelegram } from '../support/fakes/telegram-stand-in.ts';
import { ROOT, startProduct, until } from '../support/harness/product.ts';

const ROUNDS = Number(process.env.NOTICE_ROUNDS ?? 3);
const TOKEN = '77:SECRET-token';
const SECRET = 'SECRET-of-the-webhook';
/** Until a retry of the first minute has come. */
const SETTLE_MS = 60_000;

interface Service {
  url: string;
  /** What arrived, and was taken. */
  bodies: string[];
  close(): void;
}

/** The third retry is a minute away; a notice is refused less often than that. */
const MAX_REFUSALS = 2;

/** Takes its time before it looks, and refuses every fourth. */
async function startService(random: () => number): Promise<Service> {
  const bodies: string[] = [];
  const refusals = new Map<string, number>();
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk) => body += chunk);
    req.on('end', async () => {
      const { title = '', data } = JSON.parse(body);
      const name = data?.title ?? title;
      const isRefused = random() < 0.25 && (refusals.get(name) ?? 0) < MAX_REFUSALS;
      if (isRefused) refusals.set(name, (refusals.get(name) ?? 0) + 1);
      // Counted before it is answered: the machine may be killed between the two.
      if (!isRefused) bodies.push(body);
      await sleep(random() * 200);
      res.writeHead(isRefused ? 503 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, bodies, close: () => (server.closeAllConnections(), server.close()) };
}

const CHANNELS: NotifyChannel[] = ['ntfy', 'telegram', 'webhook'];

test(`${ROUNDS} times kill -9: each notice once, or said to be unknown`, async () => {
  const random = seeded(Number(process.env.SEED ?? 17));
  const telegram = await startTelegram(TOKEN);
  const [ntfy, webhook] = [await startService(random), await startService(random)];
  const product = await startProduct({
    withRelay: false,
    agentEnv: {
      CLAUDE_BIN: join(ROOT, 'test/support/fakes/fake-claude.ts'),
      ALLOW_PRIVATE_ADDRESSES: 'on',
      TELEGRAM_BOT_TOKEN: TOKEN,
      TELEGRAM_API_URL: telegram.url,
      WEBHOOK_SECRET: SECRET,
    },
  });
  const call = async (path: string, method: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(product.localUrl + path, { method, headers, body: body && JSON.stringify(body) });
    return await response.json();
  };
  const state = () => JSON.parse(readFileSync(join(product.dataDir, 'deliveries.json'), 'utf8')) as DeliveryState;
  try {
    const notify = {
      ntfyUrl: `${ntfy.url}/topic`,
      telegramChat: '4242',
      webhookUrl: `${webhook.url}/hook`,
      events: { agent_finished: true },
    };
    await call('/api/settings', 'PUT', { notify });
    /** Channel and agent of each delivery that was under way when the machine was killed. */
    const cut = new Set<string>();
    const names: string[] = [];
    let output = '';
    for (let round = 0; round < ROUNDS; round++) {
      const directory = join(product.directory, `round-${round}`);
      mkdirSync(directory);
      // Three at once, so that some wait for a retry while others are sent.
      for (const letter of 'abc') {
        const name = `round-${round}${letter}.`;
        names.push(name);
        await call('/api/agents', 'POST', { name, directory, prompt: 'long 3 1' });
      }
      await until(
        'the first to be done',
        async () =>
          (await call('/api/agents', 'GET') as AgentInfo[]).some(({ name, stateReason }) =>
            name.startsWith(`round-${round}`) && stateReason === 'done'
          ),
      );
      await sleep(random() * 600);
      await product.agent!.kill('SIGKILL');
      output += product.agent!.output();
      for (const { channel, notice, state: where } of state().deliveries) {
        if (where === 'sending') cut.add(`${channel} ${/round-\w+\./.exec(notice.title)![0]}`);
      }
      await product.startAgent();
    }
    await until(
      () => `nothing to wait: ${JSON.stringify(state().deliveries)}`,
      () => state().deliveries.length === 0,
      SETTLE_MS,
    );
    const arrived: Record<string, string[]> = {
      ntfy: ntfy.bodies.map((body) => JSON.parse(body).title),
      telegram: telegram.messages.map(({ text }) => text.split('\n')[0]!),
      webhook: webhook.bodies.map((body) => JSON.parse(body).data.title),
    };
    const accepted = state().keys;
    let once = 0;
    for (const channel of CHANNELS) {
      for (const name of names) {
        const count = arrived[channel]!.filter((title) => title.startsWith(name)).length;
        assert.ok(count <= 1, `${channel} ${name} arrived ${count} times`);
        once += count;
      }
    }
    const status = await call('/api/settings/channels', 'GET') as ChannelStatus[];
    const unknown = CHANNELS.map((channel) => status.find((entry) => entry.channel === channel)!.unknown);
    assert.is(unknown.reduce((a, b) => a + b), cut.size, 'what was cut is said to be unknown');
    // Whatever the queue took is there once, or was cut.
    const agents = await call('/api/agents', 'GET') as AgentInfo[];
    const lost = CHANNELS.flatMap((channel) =>
      agents.filter(({ id }) =>
        accepted.some((key) => key.startsWith(`${channel} `) && key.includes(` finished ${id} `))
      )
        .filter(({ name }) =>
          !arrived[channel]!.some((title) => title.startsWith(name)) && !cut.has(`${channel} ${name}`)
        )
        .map(({ name }) => `${channel} ${name}`)
    );
    assert.equal(lost, []);
    assert.ok(once >= ROUNDS, `${once} arrived`);
    console.log(`${ROUNDS} kills: ${once} notices arrived once, none twice, ${cut.size} said to be unknown, 0 lost`);
    output += product.agent!.output();
    for (const secret of [TOKEN, SECRET, '/topic', '/hook', '4242']) assert.not.ok(output.includes(secret), secret);
  } finally {
    await product.close();
    await telegram.close();
    ntfy.close();
    webhook.close();
  }
});

test.run();
