/**
 * Files on their way to one machine, one after another. They belong to the app: they go on whatever page is shown, until
 * they are there, are cancelled, or the page is closed (which is asked about).
 */
import type { App } from '../app.ts';
import { confirm, toast, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { ApiError, newId } from '../net/api.ts';
import { underWay } from '../net/under-way.ts';
import { upload } from '../net/upload.ts';
import { path } from '../route.ts';
import { type Signal, signal } from '../state/signal.ts';
import { joined } from './file-address.ts';

/** Files that wait or are sent, of one machine. */
const MAX_WAITING = 200;

export interface Upload {
  readonly id: string;
  readonly agent: string;
  /** Below the agent's folder. */
  readonly directory: string;
  readonly file: File;
  readonly sent: number;
  /** The way broke. */
  readonly waiting: boolean;
  readonly abort: AbortController;
}

export interface UploadQueue {
  readonly all: Signal<readonly Upload[]>;
  /** The last file that came into its place. */
  readonly arrived: Signal<Upload | null>;
  add(agent: string, directory: string, files: readonly File[]): void;
  cancel(upload: Upload): void;
}

const queues = new WeakMap<App, UploadQueue>();

/** The uploads to the app's machine. */
export function uploadsOf(app: App): UploadQueue {
  let queue = queues.get(app);
  if (!queue) queues.set(app, queue = createUploadQueue(app));
  return queue;
}

function createUploadQueue({ api, auth }: App): UploadQueue {
  const all = signal<readonly Upload[]>([]);
  const arrived = signal<Upload | null>(null);
  let running = Promise.resolve();
  const change = (id: string, part: Partial<Upload>) =>
    all.value = all.value.map((entry) => entry.id === id ? { ...entry, ...part } : entry);
  const remove = (id: string) => all.value = all.value.filter((entry) => entry.id !== id);
  async function send(entry: Upload): Promise<void> {
    if (entry.abort.signal.aborted) return;
    underWay.value++;
    try {
      if (await sendFile(api, entry, change)) {
        toast(t.files.uploaded(entry.file.name));
        arrived.value = entry;
      }
    } catch (error) {
      if (!entry.abort.signal.aborted) toastError(error);
    }
    remove(entry.id);
    underWay.value--;
  }
  all.subscribe(({ length }) => void (length ? addEventListener : removeEventListener)('beforeunload', askFirst));
  auth.state.subscribe((state) => state === 'out' && all.value.forEach(({ abort }) => abort.abort()));
  return {
    all,
    arrived,
    add(agent, directory, files) {
      const entries = files.slice(0, MAX_WAITING - all.value.length).map((file): Upload => {
        return { id: newId(), agent, directory, file, sent: 0, waiting: false, abort: new AbortController() };
      });
      all.value = [...all.value, ...entries];
      for (const entry of entries) running = running.then(() => send(entry));
    },
    cancel({ abort, agent, id }) {
      abort.abort();
      remove(id);
      void api.delete(path`/api/agents/${agent}/uploads/${id}`).catch(() => {});
    },
  };
}

/** The browser asks whether the page is to be closed. */
const askFirst = (event: Event): void => event.preventDefault();

type Change = (id: string, part: Partial<Upload>) => void;

/** @returns false when the user does not want to replace what is there */
async function sendFile(api: App['api'], entry: Upload, change: Change): Promise<boolean> {
  const { id, agent, directory, file, abort } = entry;
  const target = { agent, id, path: joined(directory, file.name) };
  const hooks = {
    signal: abort.signal,
    onProgress: (sent: number) => change(id, { sent }),
    onWaiting: (waiting: boolean) => change(id, { waiting }),
    now: () => performance.now(),
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  };
  try {
    await upload(api, file, { ...target, overwrite: false }, hooks);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'file_exists') throw error;
    const { replaceTitle, replaceText, replace } = t.files;
    if (!await confirm({ title: replaceTitle(file.name), text: replaceText, action: replace, tone: 'danger' })) {
      return false;
    }
    await upload(api, file, { ...target, overwrite: true }, hooks);
  }
  return true;
}
