/** An upload that breaks goes on where the machine says that it stands; what is refused is an error at once. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Api, ApiError } from '../../../ui/net/api.ts';
import { MAX_PART, MIN_PART, nextPart, upload } from '../../../ui/net/upload.ts';

/** A machine that loses every third part after half of it. */
function machine(size: number, refuse?: ApiError) {
  const stored: Uint8Array[] = [];
  let offset = 0;
  let parts = 0;
  let begun = 0;
  const api = {
    post: (url: string) => {
      if (refuse) return Promise.reject(refuse);
      if (!url.endsWith('/finish')) begun++;
      return Promise.resolve(url.endsWith('/finish') ? { ok: true, size: offset } : { offset, size });
    },
    raw: async (_method: string, url: string, { body }: { body: Blob }) => {
      assert.is(Number(new URL(url, 'http://x').searchParams.get('offset')), offset);
      const bytes = new Uint8Array(await body.arrayBuffer());
      const isCut = ++parts % 3 === 0;
      const arrived = isCut ? bytes.subarray(0, bytes.length >> 1) : bytes;
      stored.push(arrived);
      offset += arrived.length;
      if (isCut) throw new ApiError(0, 'offline', 'cut');
      return { content: new Blob([JSON.stringify({ offset })]) };
    },
  } as unknown as Api;
  return { api, begun: () => begun, bytes: () => Buffer.concat(stored) };
}

const hooks = (signal = new AbortController().signal) => {
  const waits: boolean[] = [];
  const sent: number[] = [];
  return {
    waits,
    sent,
    signal,
    onProgress: (at: number) => void sent.push(at),
    onWaiting: (waiting: boolean) => void waits.push(waiting),
    now: () => 0,
    sleep: () => Promise.resolve(),
  };
};
const target = { agent: 'a', id: 'u', path: 'x', overwrite: false };

test('cut again and again it ends byte-identical', async () => {
  const whole = Uint8Array.from({ length: 5_000_001 }, (_, i) => (i * 31) & 0xff);
  const { api, begun, bytes } = machine(whole.length);
  const seen = hooks();
  await upload(api, new Blob([whole]), target, seen);
  assert.ok(bytes().equals(Buffer.from(whole)));
  assert.ok(begun() > 1);
  assert.is(seen.waits.at(-1), false);
  assert.is(seen.sent.at(-1), whole.length);
  assert.equal(seen.sent, [...seen.sent].sort((a, b) => a - b), 'progress never goes back');
});

test('a refusal, and an upload that is given up, end it', async () => {
  for (const code of ['outside_roots', 'file_exists', 'too_large'] as const) {
    const { api } = machine(1, new ApiError(409, code, code));
    assert.is(await upload(api, new Blob(['x']), target, hooks()).catch((error) => error.code), code);
  }
  const abort = new AbortController();
  abort.abort();
  const { api } = machine(1, new ApiError(0, 'aborted', ''));
  assert.is(await upload(api, new Blob(['x']), target, hooks(abort.signal)).catch((error) => error.code), 'aborted');
});

test('parts grow while the way is good, and shrink when it is slow', () => {
  assert.is(nextPart(MIN_PART, 100), MIN_PART * 2);
  assert.is(nextPart(MAX_PART, 100), MAX_PART);
  assert.is(nextPart(MAX_PART, 10_000), MAX_PART / 2);
  assert.is(nextPart(MIN_PART, 10_000), MIN_PART);
  assert.is(nextPart(MIN_PART, 2000), MIN_PART);
});

test.run();
