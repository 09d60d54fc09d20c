/** A build's files are kept whole or not at all, and nothing else is ever answered from the cache. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Shell } from '../../../ui/worker/shell.ts';

const ORIGIN = 'https://relay.example';

function world(options: { broken?: string } = {}) {
  const stores = new Map<string, Map<string, Response>>();
  const pathOf = (request: RequestInfo | URL) =>
    new URL(typeof request === 'string' ? request : (request as Request).url, ORIGIN).pathname;
  const caches = {
    keys: () => Promise.resolve([...stores.keys()]),
    delete: (name: string) => Promise.resolve(stores.delete(name)),
    open(name: string) {
      const store = stores.get(name) ?? new Map<string, Response>();
      stores.set(name, store);
      return Promise.resolve({
        addAll(requests: Request[]) {
          const paths = requests.map(pathOf);
          if (options.broken && paths.includes(options.broken)) return Promise.reject(new TypeError('404'));
          for (const path of paths) store.set(path, new Response(`${name} ${path}`));
          return Promise.resolve();
        },
        match: (request: string) => Promise.resolve(store.get(pathOf(request))?.clone()),
      });
    },
  } as unknown as CacheStorage;
  const shell = (version: string) =>
    new Shell({
      version,
      files: ['/', '/assets/main-1.js'],
      caches,
      origin: ORIGIN,
      fetch: (request) => Promise.resolve(new Response(`network ${pathOf(request as Request)}`)),
    });
  return { shell, stores };
}

/** node's Request takes no relative path and no mode "navigate". */
globalThis.Request = class extends Request {
  constructor(input: string, init?: RequestInit) {
    super(new URL(input, ORIGIN), init);
  }
} as typeof Request;

async function served(
  shell: Shell,
  path: string,
  init: { method?: string; mode?: string } = {},
): Promise<string | null> {
  let answer: Promise<Response> | null = null;
  const request = { url: new URL(path, ORIGIN).href, method: 'GET', mode: 'cors', ...init } as unknown as Request;
  shell.serve({ request, respondWith: (response) => void (answer = response) });
  return answer && await (await (answer as Promise<Response>)).text();
}

test('the page and its files come from the cache of the build', async () => {
  const { shell } = world();
  const first = shell('v1');
  await first.install();
  assert.is(await served(first, '/', { mode: 'navigate' }), 'shell-v1 /');
  assert.is(await served(first, '/index.html', { mode: 'navigate' }), 'shell-v1 /');
  assert.is(await served(first, '/assets/main-1.js'), 'shell-v1 /assets/main-1.js');
});

test('nothing else is touched: calls, sockets, other methods, other origins, other files, downloads', async () => {
  const { shell } = world();
  const first = shell('v1');
  await first.install();
  for (const path of ['/api/agents', '/api/live', '/sw.js', '/metrics', 'https://evil.example/']) {
    assert.is(await served(first, path), null, path);
  }
  assert.is(await served(first, '/api/agents/x/changes/patch', { mode: 'navigate' }), null);
  assert.is(await served(first, '/', { method: 'POST' }), null);
});

test('a build of which one file is missing is not installed', async () => {
  const { shell } = world({ broken: '/assets/main-1.js' });
  const failure = await shell('v1').install().then(() => null, (error) => error);
  assert.instance(failure, TypeError);
});

test('a page of the build before goes on whole: its parts come from its own cache; older builds are dropped', async () => {
  const { shell, stores } = world();
  await shell('v1').install();
  await shell('v2').install();
  stores.set('somebody-else', new Map());
  assert.is(await served(shell('v1'), '/', { mode: 'navigate' }), 'shell-v1 /', 'until then the page is whole');
  await shell('v2').activate();
  assert.equal([...stores.keys()].sort(), ['shell-v1', 'shell-v2', 'somebody-else']);
  stores.get('shell-v1')!.set('/assets/chunk-old.js', new Response('a part of v1'));
  assert.is(await served(shell('v2'), '/assets/chunk-old.js'), 'a part of v1');
  assert.is(await served(shell('v2'), '/', { mode: 'navigate' }), 'shell-v2 /');
  assert.is(await served(shell('v2'), '/assets/unknown.js'), 'network /assets/unknown.js');
  await shell('v3').install();
  await shell('v3').activate();
  assert.equal([...stores.keys()].sort(), ['shell-v2', 'shell-v3', 'somebody-else']);
});

test('a file that the browser took out of the cache is fetched', async () => {
  const { shell, stores } = world();
  const first = shell('v1');
  await first.install();
  stores.get('shell-v1')!.delete('/assets/main-1.js');
  assert.is(await served(first, '/assets/main-1.js'), 'network /assets/main-1.js');
});

test.run();
