/** Files on their way into a directory: each with its progress, one after another. */
import { html, useEffect, useRef, useState } from '../html.ts';
import { confirm, Icon, IconButton, toast, toastError } from '../components/mod.ts';
import { useApp } from '../app.ts';
import { type Api, ApiError, newId } from '../net/api.ts';
import { upload } from '../net/upload.ts';
import { path } from '../route.ts';
import { t } from '../i18n/all.ts';
import { joined } from './file-address.ts';

/** Files that wait or are sent, of one page. */
const MAX_WAITING = 200;

interface Upload {
  id: string;
  file: File;
  sent: number;
  waiting: boolean;
  abort: AbortController;
}

export interface Uploads {
  readonly all: readonly Upload[];
  add(files: readonly File[]): void;
  cancel(upload: Upload): void;
}

/** Uploads go on only while their directory is shown. @param onDone a file has come */
export function useUploads(agent: string, directory: string, onDone: () => void): Uploads {
  const { api } = useApp();
  const [all, setAll] = useState<readonly Upload[]>([]);
  const running = useRef<Promise<void>>(Promise.resolve());
  const open = useRef(new Set<Upload>());
  useEffect(() => () => open.current.forEach(({ abort }) => abort.abort()), []);
  const change = (id: string, part: Partial<Upload>) =>
    setAll((list) => list.map((entry) => entry.id === id ? { ...entry, ...part } : entry));
  const send = async (entry: Upload) => {
    try {
      if (await sendFile(api, agent, directory, entry, change)) onDone();
    } catch (error) {
      if (!entry.abort.signal.aborted) toastError(error);
    } finally {
      open.current.delete(entry);
      setAll((list) => list.filter(({ id }) => id !== entry.id));
    }
  };
  return {
    all,
    add(files) {
      const entries = files.slice(0, MAX_WAITING - all.length).map((file): Upload => {
        return { id: newId(), file, sent: 0, waiting: false, abort: new AbortController() };
      });
      setAll((list) => [...list, ...entries]);
      for (const entry of entries) {
        open.current.add(entry);
        running.current = running.current.then(() => send(entry));
      }
    },
    cancel({ abort, id }) {
      abort.abort();
      setAll((list) => list.filter((entry) => entry.id !== id));
      void api.delete(path`/api/agents/${agent}/uploads/${id}`).catch(() => {});
    },
  };
}

type Change = (id: string, part: Partial<Upload>) => void;

/** @returns false when the user does not want to replace what is there */
async function sendFile(api: Api, agent: string, directory: string, entry: Upload, change: Change): Promise<boolean> {
  const { id, file, abort } = entry;
  const target = { agent, id, path: joined(directory, file.name) };
  const hooks = {
    signal: abort.signal,
    onProgress: (sent: number) => change(id, { sent }),
    onWaiting: (waiting: boolean) => change(id, { waiting }),
    now: () => performance.now(),
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  };
  if (abort.signal.aborted) return false;
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
  toast(t.files.uploaded(file.name));
  return true;
}

export function UploadList({ uploads }: { uploads: Uploads }) {
  if (!uploads.all.length) return null;
  const rows = uploads.all.map((upload) =>
    html`<${UploadRow} key=${upload.id} upload=${upload} onCancel=${() => uploads.cancel(upload)} />`
  );
  return html`<ul class="upload-list" aria-label=${t.files.uploads}>${rows}</ul>`;
}

function UploadRow({ upload: { file, sent, waiting }, onCancel }: { upload: Upload; onCancel: () => void }) {
  const percent = file.size ? Math.floor((100 * sent) / file.size) : 0;
  return html`
    <li class="upload-row">
      <${Icon} name="file" size=${18} />
      <span class="upload-text">
        <span class="ellipsis"><bdi>${file.name}</bdi></span>
        <progress max="100" value=${percent} aria-label=${file.name}></progress>
        ${waiting && html`<span class="hint">${t.files.waiting}</span>`}
      </span>
      <span class="hint">${t.files.uploading(percent)}</span>
      <${IconButton} icon="cross" label=${t.files.cancelUpload(file.name)} onClick=${onCancel} />
    </li>
  `;
}
