import { html, useEffect, useState } from '../html.ts';
import type { Instructions } from '../../core/api/workspace.ts';
import { ApiError } from '../net/api.ts';
import { Button, Icon, Skeleton, TextArea, toast } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import { path } from '../route.ts';
import { useApp } from '../app.ts';
import { TemplateField } from '../forms/template-field.ts';
import type { TabProps } from './tab-props.ts';
import { INSTRUCTIONS_PATH } from '../../core/api/instructions.ts';

/** The agent's instructions file, edited where it lies. */
export default function InstructionsTab({ agent }: TabProps) {
  const { api } = useApp();
  const url = `${path`/api/agents/${agent.id}`}/${INSTRUCTIONS_PATH}`;
  const { value, error, reload, set } = useResource(() => api.get<Instructions>(url), [agent.id]);
  const editor = value && html`<${Editor} url=${url} file=${value} onSaved=${set} reload=${reload} />`;
  return html`
    <div class="page">
      ${!value && error && html`<${LoadFailed} error=${error} reload=${reload} />`}
      ${!value && !error && html`<${Skeleton} lines=${6} />`}
      ${editor}
    </div>
  `;
}

interface EditorProps {
  url: string;
  file: Instructions;
  onSaved: (file: Instructions) => void;
  reload: () => void;
}

function Editor({ url, file, onSaved, reload }: EditorProps) {
  const { api } = useApp();
  const [text, setText] = useState(file.content);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setText(file.content);
    setFailure(null);
  }, [file.version, file.content]);
  async function save(force: boolean) {
    setBusy(true);
    try {
      onSaved(await api.put<Instructions>(url, { content: text, ...(force ? {} : { version: file.version }) }));
      setFailure(null);
      toast(t.instructions.saved);
    } catch (refused) {
      setFailure({ code: refused instanceof ApiError ? refused.code : '', text: (refused as Error).message });
    } finally {
      setBusy(false);
    }
  }
  const isChanged = text !== file.content;
  const canSave = isChanged || !file.exists;
  return html`
    <div class="stack">
      ${failure && html`<${FailureNote} failure=${failure} reload=${reload} overwrite=${() => void save(true)} />`}
      <${TemplateField} label=${t.tasks.template} prompt=${t.tasks.chooseTemplate} onPick=${setText} />
      <${TextArea}
        label=${file.file}
        hint=${file.exists ? t.instructions.hint(file.file) : t.instructions.none(file.file)}
        class="input mono tall"
        rows=${14}
        value=${text}
        onInput=${setText}
        spellcheck=${false}
      />
      <div class="row end">
        ${isChanged && html`<span class="hint">${t.settings.unsaved}</span>`}
        <${Button} tone="primary" busy=${busy} disabled=${!canSave} onClick=${() => void save(false)}>
          ${t.common.save}
        <//>
      </div>
    </div>
  `;
}

interface Failure {
  code: string;
  text: string;
}

/** Why it was not saved; when somebody else changed the file, what can be done. */
function FailureNote(props: { failure: Failure; reload: () => void; overwrite: () => void }) {
  const isConflict = props.failure.code === 'changed';
  const buttons = isConflict && html`
    <div class="row">
      <${Button} class="small" onClick=${props.reload}>${t.instructions.reload}<//>
      <${Button} class="small" tone="danger" onClick=${props.overwrite}>${t.instructions.overwrite}<//>
    </div>
  `;
  return html`
    <div class="note bad" role="alert">
      <${Icon} name="warning" size=${18} />
      <div class="stack tight">
        <span>${isConflict ? t.instructions.changed : props.failure.text}</span>
        ${buttons}
      </div>
    </div>
  `;
}
