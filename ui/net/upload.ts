/** Sends a file in parts, and goes on where the machine says that it stands whenever the way breaks. */
import type { FileWritten, UploadState } from '../../core/api/files.ts';
import type { Attachment } from '../../core/api/messages.ts';
import { path } from '../route.ts';
import { type Api, ApiError } from './api.ts';

/** Bytes of one part: small where the way is slow, so that progress is seen and a cut costs little. */
export const MIN_PART = 256 * 1024;
export const MAX_PART = 8 * 1024 * 1024;
/** A part that took less than this is followed by one of twice its size, one that took four times as much by half; ms. */
const GOOD_MS = 1500;
const PART_TIMEOUT_MS = 120_000;
/** Waits between tries, ms; the last one again and again. */
const DELAYS = [500, 1000, 2000, 5000];

export interface UploadTarget {
  agent: string;
  /** A UUID: the same one goes on with an upload. */
  id: string;
  /** Below the agent's folder. */
  path: string;
  overwrite: boolean;
}

/** A file that goes with a message. */
export type AttachTarget = Pick<UploadTarget, 'agent' | 'id'> & { name: string };

export interface UploadHooks {
  signal: AbortSignal;
  onProgress(sent: number): void;
  /** The way broke, or is there again. */
  onWaiting(waiting: boolean): void;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** Resolves when the file is in its place. Rejects with what the machine refuses, or `aborted`; never for a broken way. */
export function upload(api: Api, file: Blob, target: UploadTarget, hooks: UploadHooks): Promise<FileWritten> {
  const { path, overwrite } = target;
  return send<FileWritten>(api, file, target, { path, overwrite }, { overwrite }, hooks);
}

/** Like upload(), for a message: resolves with what the message says of the file. */
export const uploadAttachment = (
  api: Api,
  file: Blob,
  target: AttachTarget,
  hooks: UploadHooks,
): Promise<Attachment> => send<Attachment>(api, file, target, { name: target.name }, { attach: true }, hooks);

async function send<T>(
  api: Api,
  file: Blob,
  target: Pick<UploadTarget, 'agent' | 'id'>,
  what: object,
  end: object,
  hooks: UploadHooks,
): Promise<T> {
  const base = path`/api/agents/${target.agent}/uploads`;
  const body = { uploadId: target.id, size: file.size, ...what };
  let part = MIN_PART;
  let failures = 0;
  for (;;) {
    try {
      let { offset } = await api.post<UploadState>(base, body, hooks);
      hooks.onWaiting(false);
      while (offset < file.size) {
        hooks.onProgress(offset);
        const startedAt = hooks.now();
        offset = await sendPart(api, `${base}/${target.id}`, file.slice(offset, offset + part), offset, hooks);
        part = nextPart(part, hooks.now() - startedAt);
        failures = 0;
      }
      hooks.onProgress(offset);
      return await api.post<T>(`${base}/${target.id}/finish`, end, hooks);
    } catch (error) {
      if (!isBroken(error) || hooks.signal.aborted) throw error;
      hooks.onWaiting(true);
      await hooks.sleep(DELAYS[Math.min(failures++, DELAYS.length - 1)]!);
      part = MIN_PART;
    }
  }
}

async function sendPart(api: Api, url: string, part: Blob, offset: number, { signal }: UploadHooks): Promise<number> {
  const options = { body: part, signal, timeout: PART_TIMEOUT_MS, headers: {} };
  const { content } = await api.raw('PUT', `${url}?offset=${offset}`, options);
  return (JSON.parse(await content.text()) as UploadState).offset;
}

/** Exported for tests. */
export function nextPart(part: number, ms: number): number {
  if (ms < GOOD_MS) return Math.min(MAX_PART, part * 2);
  return ms > 4 * GOOD_MS ? Math.max(MIN_PART, part / 2) : part;
}

/** Asked again, the machine says where it stands. */
const isBroken = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.passing || error.code === 'wrong_offset' || error.code === 'no_upload') && error.code !== 'aborted';
