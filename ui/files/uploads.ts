/** The agent's files on their way, each with its progress, in whichever of its directories one looks. */
import { html, useEffect } from '../html.ts';
import { Icon, IconButton } from '../components/mod.ts';
import { useApp } from '../app.ts';
import { t } from '../i18n/all.ts';
import { useSignalValue } from '../state/signal.ts';
import { joined } from './file-address.ts';
import { type Upload, uploadsOf } from './upload-queue.ts';

/** Calls back when a file has come into the directory. */
export function useArrivals(agent: string, directory: string, onArrival: () => void): void {
  const arrived = useSignalValue(uploadsOf(useApp()).arrived);
  useEffect(() => {
    if (arrived?.agent === agent && arrived.directory === directory) onArrival();
  }, [arrived]);
}

export function UploadList({ agent, directory }: { agent: string; directory: string }) {
  const queue = uploadsOf(useApp());
  const uploads = useSignalValue(queue.all).filter((upload) => upload.agent === agent);
  if (!uploads.length) return null;
  const rows = uploads.map((upload) =>
    html`<${UploadRow} key=${upload.id} upload=${upload} here=${directory} onCancel=${() => queue.cancel(upload)} />`
  );
  return html`<ul class="upload-list" aria-label=${t.files.uploads}>${rows}</ul>`;
}

interface RowProps {
  upload: Upload;
  here: string;
  onCancel: () => void;
}

function UploadRow({ upload: { file, directory, sent, waiting }, here, onCancel }: RowProps) {
  const percent = file.size ? Math.floor((100 * sent) / file.size) : 0;
  const name = directory === here ? file.name : joined(directory, file.name);
  return html`
    <li class="upload-row">
      <${Icon} name="file" size=${18} />
      <span class="upload-text">
        <span class="ellipsis"><bdi>${name}</bdi></span>
        <progress max="100" value=${percent} aria-label=${name}></progress>
        ${waiting && html`<span class="hint">${t.files.waiting}</span>`}
      </span>
      <span class="hint">${t.files.uploading(percent)}</span>
      <${IconButton} icon="cross" label=${t.files.cancelUpload(file.name)} onClick=${onCancel} />
    </li>
  `;
}
