/**
 * `npx tsx scripts/bench/upload.ts [MB] [MBIT]`: an upload of so many MB (default 1000) at so many Mbit/s (20) through relay,
 * tunnel and agent, cut ten times: every other time the browser's connection in the middle of a part, else the tunnel. Prints
 * whether the file is the same byte by byte, and how much the memory of relay and agent grew over that of a small upload
 * before. Exits 1 when it is not the same, or one of them grew by 32 MiB. Needs `npm run build`, Linux.
 */
import { Buffer } from 'node:buffer';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAKE_CLAUDE } from '../../test/support/harness/agent-server.ts';
import { type Product, startProduct } from '../../test/support/harness/product.ts';
import { createThrottledLink, type ThrottledLink } from '../../test/support/network/throttled-link.ts';
import { residentMiB } from './relay-measure.ts';

const MB = 1e6;
const SIZE = Number(process.argv[2] ?? 1000) * MB;
const BYTES_PER_MS = Number(process.argv[3] ?? 20) * 125;
const CUTS = 10;
const WARM_UP = 64 * MB;
/** As the dashboard sends at most. */
const PART = 8 * 1024 * 1024;
const CHUNK = 64 * 1024;
const MAX_GROWTH = 32;
const SAMPLE_MS = 200;
const RETRY_MS = 500;

/** Bytes that are not alike anywhere, made when they are sent. */
const BLOCK = randomBytes(CHUNK);
function content(offset: number, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = offset; at < offset + length;) {
    const index = Math.floor(at / CHUNK);
    const block = Buffer.from(BLOCK);
    block.writeDoubleLE(index, 0);
    const from = at - index * CHUNK;
    const part = block.subarray(from, Math.min(CHUNK, from + offset + length - at));
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

/** Sends a part at the line's rate. Rejects when it is cut. @param cutAt after so many bytes; null: it is not */
function put(url: URL, cookie: string, offset: number, length: number, rate: number, cut: Cut | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { cookie, origin: url.origin, 'content-length': length };
    const req = request(url, { method: 'PUT', headers, agent: false }, (res) => {
      res.resume();
      res.once('end', () => res.statusCode === 200 ? resolve() : reject(new Error(`${res.statusCode}`)));
      res.once('error', reject);
    });
    req.once('error', reject);
    const closed = new Promise((go) => req.once('close', go));
    void write().catch(reject);
    async function write() {
      const startedAt = performance.now();
      for (let at = 0; at < length && !req.destroyed; at += CHUNK) {
        if (cut && at >= cut.after) {
          cut.action(() => req.destroy(new Error('cut')));
          cut = null;
        }
        const isRoomLeft = req.write(content(offset + at, Math.min(CHUNK, length - at)));
        if (!isRoomLeft && !req.destroyed) {
          await Promise.race([new Promise((go) => req.once('drain', go)), closed]);
        }
        await sleep(Math.max(0, startedAt + at / rate - performance.now()));
      }
      req.end();
    }
  });
}

interface Cut {
  after: number;
  action: (endRequest: () => void) => void;
}

interface Upload {
  product: Product;
  agent: string;
  path: string;
  size: number;
  rate: number;
  /** Called at the offset of each part. @returns how it is to be cut */
  cutOf: (offset: number) => Cut | null;
}

/** @returns how often it was begun again */
async function upload({ product, agent, path, size, rate, cutOf }: Upload): Promise<number> {
  const base = `/api/agents/${agent}/uploads`;
  const uploadId = randomUUID();
  const cookie = await product.login();
  for (let tries = 0;; tries++) {
    try {
      const begun = await product.fetch(base, { method: 'POST', body: JSON.stringify({ uploadId, path, size }) });
      if (!begun.ok) throw new Error(`${begun.status}`);
      let { offset } = await begun.json() as { offset: number };
      while (offset < size) {
        const length = Math.min(PART, size - offset);
        const url = new URL(`${product.relayUrl}${base}/${uploadId}?offset=${offset}`);
        await put(url, cookie, offset, length, rate, cutOf(offset));
        offset += length;
      }
      const finished = await product.fetch(`${base}/${uploadId}/finish`, { method: 'POST', body: '{}' });
      if (finished.ok) return tries;
      throw new Error(`${finished.status}`);
    } catch (error) {
      if (tries > 20 * CUTS) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** The memory of each process, and the most that it grew by since `from()`. */
function watchMemory(pids: number[]) {
  let base = pids.map((pid) => residentMiB([pid]));
  let peak = [...base];
  const timer = setInterval(() => peak = pids.map((pid, i) => Math.max(peak[i]!, residentMiB([pid]))), SAMPLE_MS);
  return {
    /** What it grew to so far is where it begins. */
    from: () => peak = base = [...peak],
    growth: () => peak.map((mib, i) => mib - base[i]!),
    stop: () => clearInterval(timer),
  };
}

async function hashOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

function* sent() {
  for (let at = 0; at < SIZE; at += CHUNK) yield content(at, Math.min(CHUNK, SIZE - at));
}

async function measure(product: Product, link: ThrottledLink): Promise<boolean> {
  const directory = join(product.directory, 'project');
  mkdirSync(directory);
  const body = JSON.stringify({ directory, prompt: 'hello', flags: { worktree: false } });
  const { id: agent } = await (await product.fetch('/api/agents', { method: 'POST', body })).json() as { id: string };
  const memory = watchMemory([product.relay!.child.pid!, product.agent!.child.pid!]);
  await upload({ product, agent, path: 'warm-up', size: WARM_UP, rate: 4 * BYTES_PER_MS, cutOf: () => null });
  memory.from();
  let cuts = 0;
  const cutOf = (offset: number): Cut | null => {
    if (cuts >= CUTS || offset < ((cuts + 0.5) * SIZE) / CUTS) return null;
    const isTunnel = cuts++ % 2 === 1;
    return { after: PART / 3, action: (endRequest) => isTunnel ? link.cut() : endRequest() };
  };
  const startedAt = performance.now();
  const tries = await upload({ product, agent, path: 'large', size: SIZE, rate: BYTES_PER_MS, cutOf });
  const seconds = (performance.now() - startedAt) / 1000;
  memory.stop();
  const isSame = await hashOf(createReadStream(join(directory, 'large'))) === await hashOf(sent());
  const [relay, machine] = memory.growth().map((mib) => mib.toFixed(1));
  console.log(
    `${SIZE / MB} MB in ${seconds.toFixed(0)} s (${
      ((SIZE * 8) / MB / seconds).toFixed(1)
    } Mbit/s), ${cuts} cuts, begun again ${tries} ` +
      `times, ${isSame ? 'the same' : 'NOT THE SAME'}; relay +${relay} MiB, agent +${machine} MiB`,
  );
  return isSame && cuts === CUTS && memory.growth().every((mib) => mib < MAX_GROWTH);
}

const link = await createThrottledLink();
const product = await startProduct({ relayUrl: (port) => link.to(port), agentEnv: { CLAUDE_BIN: FAKE_CLAUDE } });
try {
  if (!await measure(product, link)) process.exitCode = 1;
} finally {
  await product.close();
  link.close();
}
