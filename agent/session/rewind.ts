/** Files of an agent as they were before a message: what that would change, and doing it. */
import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { Failure } from '../../core/api/errors.ts';
import type { Message } from '../../core/api/messages.ts';
import { providerData } from '../../core/api/providers.ts';
import { MAX_REWIND_FILES, type Rewind, type RewindFile } from '../../core/api/rewind.ts';
import { notSaved } from '../store/document.ts';
import type { ProviderSession, RewoundFiles } from '../provider/provider.ts';
import type { SessionParts } from './session-parts.ts';

/** Files that a notice names. */
const MAX_NAMED = 20;

const CHANGED = 'The files have changed since the list was made: nothing was done. Look at the new list.';

/**
 * @param open starts the CLI when none runs
 * @param version of the list that is to be carried out; undefined: only the list is made
 */
export async function rewindFiles(
  parts: SessionParts,
  open: () => void,
  messageId: string,
  version?: string,
): Promise<Rewind> {
  const message = parts.log.get(messageId);
  if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
  refuseBusy(parts);
  await parts.hold.takeToSend(parts.run !== null);
  const mine = new Failure('agent_busy', 'Files are being rewound. Try again in a moment.');
  if (parts.refusing) throw parts.refusing;
  if (!parts.run) open();
  const { cli } = parts.run!;
  const list = await listFiles(parts, cli, messageId);
  if (version === undefined) return list;
  if (version !== list.version) throw new Failure('changed', CHANGED);
  refuseBusy(parts);
  // Nothing begins meanwhile: it would write into the files that are being replaced.
  parts.refusing = mine;
  const rewinding = carryOut(parts, cli, messageId, { list, text: message.text });
  parts.rewinding = rewinding.then(() => {}, () => {});
  try {
    await rewinding;
    return list;
  } finally {
    parts.rewinding = null;
    if (parts.refusing === mine) parts.refusing = null;
  }
}

/** On disk before a file is touched: a server that ends meanwhile leaves the word that it was begun. */
async function carryOut(
  parts: SessionParts,
  cli: ProviderSession,
  messageId: string,
  { list, text }: { list: Rewind; text: string },
): Promise<void> {
  const { log } = parts;
  const [names, short] = [namesOf(list), shortLine(text)];
  const patch = (level: 'info' | 'warning', code: string, said: string) => log.patch(id, { level, code, text: said });
  const begun =
    `Rewinding files to before the message "${short}" was begun, and its end was not seen. Look at them: ${names}.`;
  const id = parts.notice('warning', 'rewinding', begun);
  try {
    await log.commit();
    const { skipped } = await ask(cli, messageId, false);
    const links = skipped ? ` Links that were left as they are: ${skipped}.` : '';
    patch('info', 'rewound', `The files are as they were before the message "${short}": ${names}.${links}`);
  } catch (error) {
    const reason = (error as Error).message;
    const failed =
      `Rewinding files to before the message "${short}" did not end well (${reason}). Look at them: ${names}.`;
    patch('warning', 'rewind_failed', failed);
    throw error instanceof Failure ? error : notSaved(error);
  }
}

function refuseBusy({ info, status, prompts, run, refusing }: SessionParts): void {
  if (refusing) throw refusing;
  if (!providerData(info.provider).features.rewind) {
    throw new Failure('no_checkpoint', 'This agent program keeps no earlier state of the files.');
  }
  if (!status.isAtWork && prompts.isEmpty && !info.background && !run?.stopReason) return;
  throw new Failure('agent_busy', `"${info.name}" is at work. Interrupt it first, then rewind its files.`);
}

async function ask(cli: ProviderSession, messageId: string, dryRun: boolean): Promise<RewoundFiles> {
  try {
    return await cli.rewindFiles!(messageId, dryRun);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Failure('no_checkpoint', `The files cannot be rewound to this message: ${reason}`, {
      params: { reason },
    });
  }
}

async function listFiles(parts: SessionParts, cli: ProviderSession, messageId: string): Promise<Rewind> {
  const { files, insertions, deletions } = await ask(cli, messageId, true);
  const { cwd } = parts.record;
  const paths = files.map((path) => resolve(cwd, path)).sort();
  const edits = lastEdits(parts.log.newest(), cwd);
  const hash = createHash('sha256').update(messageId);
  const listed: RewindFile[] = [];
  for (const path of paths) {
    const found = await lstat(path).catch(() => null);
    hash.update(JSON.stringify([path, found?.mtimeMs ?? null, found?.size ?? null]));
    const changedSince = !found || Math.floor(found.mtimeMs) > (edits.get(path) ?? 0);
    listed.push({ path: shortened(cwd, path), changedSince });
  }
  const version = hash.digest('hex').slice(0, 32);
  return { files: listed.slice(0, MAX_REWIND_FILES), total: listed.length, insertions, deletions, version };
}

/** When the agent had last edited each file, by its absolute path. */
function lastEdits(newest: Iterable<Message>, cwd: string): Map<string, number> {
  const edits = new Map<string, number>();
  for (const message of newest) {
    if (message.kind !== 'tool' || !message.endedAt) continue;
    for (const { path } of message.result?.diffs ?? []) {
      const at = resolve(cwd, path);
      if (!edits.has(at)) edits.set(at, message.endedAt);
    }
  }
  return edits;
}

function shortened(cwd: string, path: string): string {
  const inside = relative(cwd, path);
  return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

const namesOf = ({ files, total }: Rewind): string =>
  files.slice(0, MAX_NAMED).map(({ path }) => path).join(', ') + (total > MAX_NAMED ? ' …' : '');

function shortLine(text: string): string {
  const line = text.trim().split('\n')[0]!;
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
