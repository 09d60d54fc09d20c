/** Files of any kind that go with the next message: sent to the machine as soon as they are chosen. */
import type { AttachmentName } from '../../core/api/messages.ts';
import { MAX_FILES } from '../../core/api/messages.ts';
import { MAX_ATTACHMENT } from '../../core/api/files.ts';
import type { App } from '../app.ts';
import { toast, toastError } from '../components/mod.ts';
import { bytes } from '../format.ts';
import { t } from '../i18n/all.ts';
import { newId } from '../net/api.ts';
import { underWay } from '../net/under-way.ts';
import { uploadAttachment } from '../net/upload.ts';
import { path } from '../route.ts';
import { usePageState } from './draft.ts';

export interface AttachedFile {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  /** Bytes. */
  readonly sent: number;
  /** The way broke. */
  readonly waiting: boolean;
  /** What a message says of it; null: it is being sent. */
  readonly done: AttachmentName | null;
  readonly abort: AbortController;
}

const NO_FILES: readonly AttachedFile[] = [];

export interface AttachedFiles {
  readonly files: readonly AttachedFile[];
  add(file: File): void;
  remove(file: AttachedFile): void;
  clear(): void;
}

/** The files for an agent's next message; they go on while another page is shown. */
export function useAttachedFiles({ api }: App, agent: string): AttachedFiles {
  const [files, setFiles] = usePageState(`files.${agent}`, NO_FILES);
  const change = (id: string, part: Partial<AttachedFile>) =>
    setFiles((all) => all.map((entry) => entry.id === id ? { ...entry, ...part } : entry));
  const drop = (id: string) =>
    setFiles((all) => {
      const left = all.filter((entry) => entry.id !== id);
      return left.length ? left : NO_FILES;
    });
  async function send(entry: AttachedFile, file: File) {
    const { id, name, abort } = entry;
    underWay.value++;
    try {
      const done = await uploadAttachment(api, file, { agent, id, name }, {
        signal: abort.signal,
        onProgress: (sent) => change(id, { sent }),
        onWaiting: (waiting) => change(id, { waiting }),
        now: () => performance.now(),
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      });
      change(id, { done: { hash: done.hash, name: done.name } });
    } catch (error) {
      drop(id);
      if (!abort.signal.aborted) toastError(error);
    } finally {
      underWay.value--;
    }
  }
  return {
    files,
    add(file) {
      const { name, size } = file;
      if (size > MAX_ATTACHMENT) return toast(t.composer.fileTooLarge(name, bytes(MAX_ATTACHMENT)));
      const abort = new AbortController();
      const entry: AttachedFile = { id: newId(), name, size, sent: 0, waiting: false, done: null, abort };
      setFiles((all) => {
        const hasRoom = all.length < MAX_FILES;
        // The list is read when it is changed: several files are added at once.
        if (hasRoom) void Promise.resolve().then(() => send(entry, file));
        else toast(t.composer.tooMany(MAX_FILES));
        return hasRoom ? [...all, entry] : all;
      });
    },
    remove({ id, done, abort }) {
      abort.abort();
      drop(id);
      if (!done) void api.delete(path`/api/agents/${agent}/uploads/${id}`).catch(() => {});
    },
    clear: () => setFiles(NO_FILES),
  };
}
