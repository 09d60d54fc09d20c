import { html, useEffect, useState } from '../html.ts';
import type { Instructions } from '../../core/wire/workshop.ts';
import { ApiError } from '../api.ts';
import { Button, EmptyState, Icon, Skeleton, TextArea, toast } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { useLoaded } from '../loaded.ts';
import { path } from '../route.ts';
import { api } from '../services.ts';
import type { TabProps } from './agent-tabs.ts';
import { TemplateField } from './task-form.ts';

/** The agent's instructions file, edited where it lies. */
export default function InstructionsTab({ agent }: TabProps) {
  const url = `${path`/api/agents/${agent.id}`}/claude-md`;
  const { value, error, reload, set } = useLoaded(() => api.get<Instructions>(url), [agent.id]);
  const [text, setText] = useState('');
  const [failure, setFailure] = useState<{ code: string; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setText(value?.content ?? '');
    setFailure(null);
  }, [value?.version, value?.content]);
  if (!value) {
    return html`<div class="page">${
      error
        ? html`
          <${EmptyState} icon="warning" title=${w.loadFailed} text=${error}>
            <${Button} icon="retry" onClick=${reload}>${t.common.retry}<//><//>
        `
        : html`<${Skeleton} lines=${6} />`
    }</div>`;
  }
  async function save(force: boolean) {
    setBusy(true);
    try {
      set(await api.put<Instructions>(url, { content: text, ...(force ? {} : { version: value!.version }) }));
      setFailure(null);
      toast(w.instructions.saved);
    } catch (refused) {
      setFailure({ code: refused instanceof ApiError ? refused.code : '', text: (refused as Error).message });
    } finally {
      setBusy(false);
    }
  }
  const isChanged = text !== value.content;
  return html`
    <div class="page">
      <div class="stack">
        ${failure && html`
          <div class="note bad" role="alert">
            <${Icon} name="warning" size=${18} />
            <div class="stack tight">
                <span>${failure.code === 'changed' ? w.instructions.changed : failure.text}</span>
                ${failure.code === 'changed' && html`
                  <div class="row">
                    <${Button} class="small" onClick=${reload}>${w.instructions.reload}<//>
                          <${Button} class="small" tone="danger" onClick=${() => void save(true)}>${w.instructions
                            .overwrite}<//></div>
                `}</div>
          </div>
        `}
        <${TemplateField} onPick=${setText} />
        <${TextArea} label=${value.file} hint=${value.exists
          ? w.instructions.hint(value.file)
          : w.instructions.none(value.file)}
          class="input mono tall" rows=${14} value=${text} onInput=${setText} spellcheck=${false} />
        <div class="row end">${isChanged && html`<span class="hint">${w.settings.unsaved}</span>`}
          <${Button} tone="primary" busy=${busy} disabled=${!isChanged && value.exists} onClick=${() =>
            void save(false)}>${t.common.save}<//></div>
      </div></div>
  `;
}
