/**
 * An hour of ordinary use of relay and agent, and what they hold meanwhile: heap after a collection, timers, handles, descriptors,
 * files of the data directory. None may grow.
 *
 *   npm run soak                     an hour; SOAK_MINUTES=20 for less
 *
 * Prints one line a sample and, at the end, the slope of each figure (least squares over the samples behind the first fifth),
 * in units per hour. Exits 1 when one grows more than its bound. Linux.
 */
import { readdirSync } from 'node:fs';
import process from 'node:process';
import { FAKE_CLAUDE, liveClient } from '../test/support/harness/agent-server.ts';
import { type Product, type Program, startProduct, until } from '../test/support/harness/product.ts';
import { prepare } from './test-needs.ts';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 60);
const SAMPLE_MS = Math.min(30_000, MINUTES * 1500);
const MIB = 2 ** 20;
/** Growth per hour that is not called growth. */
const BOUNDS = { heap: 2 * MIB, timers: 2, handles: 2, descriptors: 2, files: 2 };
/** A short run extrapolates noise to an hour: what a whole run may grow in all is allowed in any case. */
const NOISE = { heap: MIB, timers: 2, handles: 3, descriptors: 3, files: 2 };
type Figure = keyof typeof BOUNDS;
type Sample = Record<Figure, number> & { hours: number };

const PROBE = `--import ${new URL('../test/support/harness/soak-probe.mjs', import.meta.url).href}`;

/** Asks the probe of a program. */
async function held(program: Program): Promise<Omit<Sample, 'hours' | 'files'>> {
  const count = () => program.output().split('SOAK ').length;
  const before = count();
  const text = program.output();
  program.child.kill('SIGUSR2');
  // The end of the output is kept, not all of it: a new line may push an old one out.
  await until('an answer of the probe', () => count() > before || program.output() !== text);
  const line = program.output().split('SOAK ').at(-1)!.split('\n')[0]!;
  const descriptors = readdirSync(`/proc/${program.child.pid}/fd`).length;
  return { ...JSON.parse(line), descriptors };
}

const filesOf = (product: Product) => readdirSync(product.directory, { recursive: true }).length;

/** What people do in a quarter of a minute: log in, make an agent, answer it, look at a terminal, delete it, log out. */
async function use(product: Product): Promise<void> {
  await product.login();
  const live = await liveClient(product.localUrl);
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await product.fetch(path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  const agent = await call('POST', '/api/agents', { directory: product.directory, prompt: 'bash true' });
  const path = `/api/agents/${agent.id}`;
  const pending = await until('a request', async () => (await call('GET', path)).pending[0] as string | undefined);
  await call('POST', `${path}/permissions/${pending}`, { decision: 'allow' });
  const isIdle = async () => (await call('GET', path)).state === 'idle';
  await until('idle', isIdle);
  await call('POST', `${path}/message`, { text: 'size 20000 50 1' });
  await until('the second turn', async () => (await call('GET', path)).usage.turns === 2 && await isIdle());
  await call('GET', `${path}/messages?limit=100`);
  const terminal = await call('POST', '/api/terminals', {});
  await call('DELETE', `/api/terminals/${terminal.id}`);
  await call('DELETE', path);
  await call('POST', '/api/auth/logout', {});
  live.socket.close();
  await live.closed;
}

/** Fills what is kept for pages that come back, up to its bound, so that it does not look like a leak. */
async function fill(product: Product): Promise<void> {
  const call = async (method: string, path: string, body?: unknown): Promise<any> =>
    await (await product.fetch(path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })).json();
  const { id } = await call('POST', '/api/agents', { directory: product.directory, prompt: 'hello' });
  const isIdle = async () => (await call('GET', `/api/agents/${id}`)).state === 'idle';
  await until('idle', isIdle);
  for (let turn = 2; turn <= 7; turn++) {
    await call('POST', `/api/agents/${id}/message`, { text: 'size 1900000 4000 1' });
    await until(
      'a long text',
      async () => (await call('GET', `/api/agents/${id}`)).usage.turns === turn && await isIdle(),
    );
  }
  await product.fetch(`/api/agents/${id}`, { method: 'DELETE' });
}

/** Units per hour, by least squares. */
function slope(samples: readonly Sample[], figure: Figure): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const [x, y] = [mean(({ hours }) => hours), mean((sample) => sample[figure])];
  const over = samples.reduce((sum, each) => sum + (each.hours - x) * (each[figure] - y), 0);
  return over / samples.reduce((sum, each) => sum + (each.hours - x) ** 2, 0);
}

const text = (figure: Figure, value: number) =>
  figure === 'heap' ? `${(value / MIB).toFixed(2)} MiB` : value.toFixed(1);

function judge(name: string, samples: readonly Sample[]): boolean {
  const late = samples.slice(Math.floor(samples.length / 5));
  const hours = late.at(-1)!.hours - late[0]!.hours;
  let isFlat = true;
  for (const figure of Object.keys(BOUNDS) as Figure[]) {
    const perHour = slope(late, figure);
    const grows = perHour > BOUNDS[figure] && perHour * hours > NOISE[figure];
    if (grows) isFlat = false;
    console.log(`${grows ? 'GROWS' : 'flat '}  ${name} ${figure}: ${text(figure, perHour)} per hour`);
  }
  return isFlat;
}

async function main(): Promise<boolean> {
  await prepare(new Set(['e2e']));
  const env = { NODE_OPTIONS: PROBE, CLAUDE_BIN: FAKE_CLAUDE, CODEX_BIN: '/nonexistent/codex' };
  const product = await startProduct({ env });
  const samples: { relay: Sample[]; agent: Sample[] } = { relay: [], agent: [] };
  let rounds = 0;
  let begun = performance.now();
  try {
    await fill(product);
    begun = performance.now();
    while (performance.now() - begun < MINUTES * 60_000) {
      const sampleAt = performance.now() + SAMPLE_MS;
      do {
        await use(product);
        rounds++;
      } while (performance.now() < sampleAt);
      await new Promise((resolve) => setTimeout(resolve, 3000)); // what ends after an answer has ended
      const hours = (performance.now() - begun) / 3_600_000;
      const files = filesOf(product);
      for (const name of ['relay', 'agent'] as const) {
        const sample = { hours, files, ...await held(product[name]!) };
        samples[name].push(sample);
        console.log(`${(hours * 60).toFixed(1)} min  ${name}  ${JSON.stringify({ ...sample, hours: undefined })}`);
      }
    }
  } finally {
    await product.close();
  }
  console.log(`${rounds} rounds in ${MINUTES} min`);
  return [judge('relay', samples.relay), judge('agent', samples.agent)].every((isFlat) => isFlat);
}

main().then((isFlat) => process.exit(isFlat ? 0 : 1), (error) => {
  console.error(error);
  process.exit(1);
});
