/** The line above a file: how large it is, and what can be done with it. */
import { html } from '../html.ts';
import { Button } from '../components/mod.ts';
import { bytes } from '../format.ts';
import { t } from '../i18n/all.ts';
import { useApp } from '../app.ts';
import { at } from '../route.ts';
import { downloadUrl } from './file-address.ts';
import { saveAs } from '../components/save-as.ts';

export interface FileHead {
  size: number;
  type: string;
  etag: string;
}

export interface FileViewProps {
  agent: string;
  file: string;
  head: FileHead;
  line: number;
  reload: () => void;
}

/** What can be done with the file. `children`: what only this kind has. */
export function FileBar(
  { agent, file, head, children }: Pick<FileViewProps, 'agent' | 'file' | 'head'> & { children?: unknown },
) {
  const { machine } = useApp();
  return html`
    <div class="files-bar">
      <span class="hint">${bytes(head.size)}</span>
      <span class="grow"></span>
      ${children}
      <${Button} icon="arrowDown" class="small" onClick=${() => saveAs(at(machine, downloadUrl(agent, file)))}>
        ${t.files.download}
      <//>
    </div>
  `;
}
