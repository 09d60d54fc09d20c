/**
 * What `agent-monitor hook` does: passes what the CLI says to this machine's server, and prints what somebody has answered there.
 * Whatever goes wrong, it prints nothing: the prompt in the terminal goes on as if there were no hook.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_HOOK_BODY } from '../../core/api/hooks.ts';
import {
  askForProof,
  HOOKS_PATH,
  LOCAL_TOKEN_FIELD,
  PROOF_PATH,
  readLocalToken,
} from '../../agent/access/local-token.ts';

/** How long the server may take to prove itself, ms, and bytes of what it answers. */
const PROOF_MS = 2000;
const MAX_ANSWER = 2 * 1024 * 1024;
/** The server sends a blank a second to a hook that waits; without one for so long it is gone, ms. */
const SILENCE_MS = 15_000;
/** Waits between tries for a server that was there and went away, ms: it is being updated, or started again. */
const AGAIN_MS = [250, 500, 1000, 2000, 2000, 4000, 4000, 8000, 8000, 15_000, 15_000];

export interface HookServer {
  origin: string;
  dataDir: string;
}

/** Resolves when the hook may end; has printed the answer, if there was one. Rejects when the input is none. */
export async function answerHook(input: string, server: HookServer, signal: AbortSignal): Promise<void> {
  // The same at every try: the next server goes on with the request of the one before.
  const id = randomUUID();
  const body = JSON.stringify({ id, pid: process.pid, payload: JSON.parse(input) });
  if (Buffer.byteLength(body) > MAX_HOOK_BODY) return;
  let wasThere = false;
  for (const wait of [...AGAIN_MS, null]) {
    const answer = await ask(server, body, signal, () => wasThere = true).catch(() => 'lost' as const);
    if (answer === 'refused' || signal.aborted) return;
    if (typeof answer === 'object') {
      if (answer.output) return await passOn(server, id, JSON.stringify(answer.output));
      if (!answer.again) return;
      wasThere = true;
    }
    if (!wasThere || wait === null) return;
    await sleep(wait, undefined, { signal }).catch(() => {});
  }
}

/** Says at the server that the answer is passed on, as soon as it is: only then is it taken there. */
async function passOn(server: HookServer, id: string, output: string): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write(`${output}\n`, () => resolve()));
  const token = readLocalToken(server.dataDir);
  await call({ ...server, token }, 'POST', `${HOOKS_PATH}/${id}/taken`, '{}').catch(() => {});
}

interface Answer {
  output: object | null;
  again?: boolean;
}

/** Rejects when there is no such server, or it went away. @param onAsked the server is the true one */
async function ask(
  server: HookServer,
  body: string,
  signal: AbortSignal,
  onAsked: () => void,
): Promise<Answer | 'refused'> {
  const token = readLocalToken(server.dataDir);
  const { nonce, isProof } = askForProof(token, Number(new URL(server.origin).port || 80));
  const proof = await call({ ...server, token }, 'GET', `${PROOF_PATH}?nonce=${nonce}`, null, PROOF_MS);
  // Another program, or a server that has started since its token was read.
  if (!isProof((JSON.parse(proof.text) as { proof?: unknown }).proof)) throw new Error('not the server of this token');
  onAsked();
  const { status, text } = await call({ ...server, token }, 'POST', HOOKS_PATH, body, SILENCE_MS, signal);
  // The next server asks for another token.
  const isNext = status === 403 && readLocalToken(server.dataDir) !== token;
  if (status === 503 || isNext) throw new Error('the server is going down');
  return status === 200 ? JSON.parse(text) as Answer : 'refused';
}

/** @param silenceMs how long nothing may come. An abort resets the connection, so that the server knows of it at once */
function call(
  { origin, token }: HookServer & { token: string },
  method: string,
  path: string,
  body: string | null,
  silenceMs = PROOF_MS,
  signal?: AbortSignal,
): Promise<{ status: number; text: string }> {
  const own = path.startsWith(HOOKS_PATH) ? { [LOCAL_TOKEN_FIELD]: token } : {};
  const content = body === null
    ? {}
    : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error('ended'));
    const request = http.request(new URL(path, origin), { method, agent: false, headers: { ...own, ...content } });
    const reset = () => {
      request.socket?.resetAndDestroy();
      request.destroy(new Error('ended'));
    };
    signal?.addEventListener('abort', reset, { once: true });
    request.setTimeout(silenceMs, reset);
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text = (text + chunk).trimStart();
        if (text.length > MAX_ANSWER) reset();
      });
      response.on('error', reject);
      response.on(
        'close',
        () => response.complete ? resolve({ status: response.statusCode ?? 0, text }) : reject(new Error('cut off')),
      );
    });
    request.end(body ?? undefined);
  });
}
