/** What can be done with an agent's changes, as requests. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { FileDiff } from '../../core/api/messages.ts';
import type { Changes } from '../../core/api/workspace.ts';
import { confirm, toastError } from '../components/mod.ts';
import type { Resource } from '../hooks/use-resource.ts';
import { t } from '../i18n/all.ts';
import type { Api } from '../net/api.ts';
import { path } from '../route.ts';

/** Merging and discarding in a large repository take their time, ms. */
export const SLOW = { timeout: 120_000 };

export const changesUrl = (agent: AgentInfo): string => `${path`/api/agents/${agent.id}`}/changes`;

/** The base as people call it: of a commit its first eight digits. */
export const baseName = ({ base }: Changes): string => base.replace(/^([0-9a-f]{8})[0-9a-f]{32,}$/, '$1');

/** @returns whether the user wants the merge */
export function confirmMerge(changes: Changes): Promise<boolean> {
  const { mergeTitle, mergeText, merge: action } = t.changes;
  const name = baseName(changes);
  return confirm({ title: mergeTitle(name), text: mergeText(changes.ahead, name), action: action(name) });
}

/** @returns why it was not merged; null: it was. The agent itself says what was merged, on every device. */
export async function merge(api: Api, agent: AgentInfo, loaded: Resource<Changes>): Promise<Error | null> {
  try {
    loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/merge`, {}, SLOW)).changes);
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Discards one file's changes, or with null all of them (`count` files), after a question. */
export async function discard(
  api: Api,
  agent: AgentInfo,
  file: string | null,
  count: number,
  loaded: Resource<Changes>,
): Promise<void> {
  const { discardTitle: title, discardAllText, discardFileText, discard: action } = t.changes;
  const text = file === null ? discardAllText(count) : discardFileText(file);
  if (!(await confirm({ title, text, action, tone: 'danger' }))) return;
  try {
    const body = file === null ? { all: true } : { paths: [file] };
    loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/discard`, body, SLOW)).changes);
  } catch (error) {
    toastError(error);
  }
}

/** Undoes one hunk of a file, after a question. */
export async function undoHunk(
  api: Api,
  agent: AgentInfo,
  file: string,
  { id = '', lines }: FileDiff['hunks'][number],
  loaded: Resource<Changes>,
): Promise<void> {
  const { undoTitle: title, undoText, undo: action } = t.review;
  const count = lines.filter((line) => /^[+-]/.test(line)).length;
  if (!(await confirm({ title, text: undoText(count, file), action, tone: 'danger' }))) return;
  try {
    const body = { path: file, hunk: id };
    loaded.set((await api.post<{ changes: Changes }>(`${changesUrl(agent)}/undo`, body, SLOW)).changes);
  } catch (error) {
    toastError(error);
  }
}

/** Fetched here: a link to it would leave the dashboard for the error when the machine is away. */
export async function download(api: Api, agent: AgentInfo, { branch }: Changes): Promise<void> {
  const url = URL.createObjectURL(await api.file(`${changesUrl(agent)}/patch`, SLOW));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${(branch || 'changes').replaceAll('/', '-')}.patch`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), SLOW.timeout);
}
