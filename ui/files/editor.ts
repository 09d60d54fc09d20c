/** A text file that is changed in place. What somebody else saved meanwhile is seen, and nothing of either is lost. */
import { html, useState } from '../html.ts';
import { Button, confirm, Icon, toast } from '../components/mod.ts';
import { useApp } from '../app.ts';
import { ApiError } from '../net/api.ts';
import { t } from '../i18n/all.ts';
import { contentUrl, nameOf } from './file-address.ts';
import type { FileViewProps } from './file-bar.ts';

interface Props extends FileViewProps {
  original: { text: string; eol: '\n' | '\r\n' };
  onClose: () => void;
}

/** How a file is to be when it is replaced: of the version that was loaded, any, or not there. */
type Expected = 'loaded' | 'any' | 'none';

export function Editor({ agent, file, head, original, reload, onClose }: Props) {
  const { api } = useApp();
  // Of the moment in which it was opened: what is loaded later is another version.
  const [begun] = useState({ etag: head.etag, ...original });
  const [text, setText] = useState(begun.text);
  const [failure, setFailure] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const isChanged = text !== begun.text;
  async function save(expected: Expected) {
    setBusy(true);
    const bytes = begun.eol === '\n' ? text : text.replaceAll('\n', '\r\n');
    const version = { loaded: begun.etag, any: '*', none: '' }[expected];
    const headers: Record<string, string> = version ? { 'if-match': version } : {};
    try {
      await api.raw('PUT', contentUrl(agent, file), { headers, body: new Blob([bytes]) });
      toast(t.files.saved);
      onClose();
      reload();
    } catch (refused) {
      setFailure(refused as Error);
      setBusy(false);
    }
  }
  async function leave() {
    const { leave: title, leaveText, discard } = t.files;
    if (isChanged && !await confirm({ title, text: leaveText, action: discard, tone: 'danger' })) return;
    onClose();
    reload();
  }
  return html`
    <div class="files-body">
      ${failure && html`<${Refused} failure=${failure} onSave=${save} onLeave=${leave} />`}
      <textarea
        class="input mono files-editor"
        aria-label=${t.files.content(nameOf(file))}
        value=${text}
        spellcheck=${false}
        autocapitalize="off"
        onInput=${(event: Event) => setText((event.target as HTMLTextAreaElement).value)}
      ></textarea>
      <div class="files-bar end">
        <${Button} onClick=${() => void leave()}>${t.common.cancel}<//>
        <${Button} tone="primary" busy=${busy} disabled=${!isChanged} onClick=${() => void save('loaded')}>
          ${t.common.save}
        <//>
      </div>
    </div>
  `;
}

/** Why it was not saved, and what can be done about it. */
function Refused(props: { failure: Error; onSave: (expected: Expected) => void; onLeave: () => void }) {
  const { failure, onSave, onLeave } = props;
  const code = failure instanceof ApiError ? failure.code : '';
  const text = code === 'changed' ? t.files.changed : code === 'not_found' ? t.files.gone : failure.message;
  const changed = html`
    <div class="row">
      <${Button} class="small" onClick=${onLeave}>${t.files.loadTheirs}<//>
      <${Button} class="small" tone="danger" onClick=${() => onSave('any')}>${t.files.overwrite}<//>
    </div>
  `;
  const gone = html`<${Button} class="small" onClick=${() => onSave('none')}>${t.files.saveAgain}<//>`;
  return html`
    <div class="note bad" role="alert">
      <${Icon} name="warning" size=${18} />
      <div class="stack tight">
        <span>${text}</span>
        ${code === 'changed' && changed}
        ${code === 'not_found' && gone}
      </div>
    </div>
  `;
}
