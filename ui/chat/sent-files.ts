/** The files of a message, each to be saved. */
import { html, useContext } from '../html.ts';
import type { Attachment } from '../../core/api/messages.ts';
import { useApp } from '../app.ts';
import { Icon } from '../components/mod.ts';
import { saveAs } from '../components/save-as.ts';
import { bytes } from '../format.ts';
import { t } from '../i18n/all.ts';
import { at, path } from '../route.ts';
import { AgentContext } from './agent-context.ts';

export function SentFiles({ files }: { files: readonly Attachment[] }) {
  const { machine } = useApp();
  const agent = useContext(AgentContext);
  const rows = files.map(({ hash, name, size }) => {
    const url = at(machine, `${path`/api/agents/${agent}/attachments/${hash}`}?${new URLSearchParams({ name })}`);
    return html`
      <li key=${hash + name}>
        <button type="button" class="sent-file" aria-label=${t.composer.saveFile(name)} onClick=${() => saveAs(url)}>
          <${Icon} name="file" size=${16} />
          <span class="ellipsis"><bdi>${name}</bdi></span>
          <span class="hint">${bytes(size)}</span>
        </button>
      </li>
    `;
  });
  return html`<ul class="sent-files">${rows}</ul>`;
}
