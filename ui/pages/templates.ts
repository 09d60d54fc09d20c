import { html, useState } from '../html.ts';
import type { Template } from '../../core/wire/types.ts';
import {
  Button,
  confirm,
  Dialog,
  EmptyState,
  Menu,
  PageHead,
  Skeleton,
  TextArea,
  TextField,
  TimeAgo,
  toastError,
} from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { w } from '../i18n/en-workshop.ts';
import { path } from '../route.ts';
import { api, store, useStore } from '../services.ts';
import { change } from '../store.ts';

type Draft = Pick<Template, 'name' | 'content'> & { id?: string };

/** Templates of instructions: made, edited, copied, deleted. */
export default function Templates() {
  const table = useStore((state) => state.templates);
  const loaded = useStore((state) => state.loaded);
  const [draft, setDraft] = useState<Draft | null>(null);
  const templates = Object.values(table).sort((a, b) => a.name.localeCompare(b.name));
  const add = () => setDraft({ name: '', content: '' });
  return html`
    <div class="page">
      <${PageHead} title=${w.templates.title}>
        <${Button} tone="primary" icon="plus" onClick=${add}>${w.templates.add}<//><//>
        ${!loaded && html`<${Skeleton} lines=${5} />`}
        ${loaded && !templates.length &&
          html`<${EmptyState} icon="templates" title=${w.templates.empty} text=${w.templates.emptyText} />`}
        <ul class="tiles">${templates.map((template) =>
          html`<${Tile} key=${template.id} template=${template} edit=${setDraft} />`
        )}</ul>
        ${draft && html`<${Editor} draft=${draft} onClose=${() => setDraft(null)} />`}
      </div>
  `;
}

function Tile({ template, edit }: { template: Template; edit: (draft: Draft) => void }) {
  const { id, name, content, updatedAt } = template;
  async function remove() {
    const { removeTitle: title, removeText, remove: action } = w.templates;
    if (!(await confirm({ title, text: removeText(name), action, tone: 'danger' }))) return;
    await api.delete(path`/api/templates/${id}`).catch(toastError);
  }
  return html`
    <li class="tile">
      <button type="button" class="tile-main" onClick=${() => edit(template)}><h2 dir="auto">${name}</h2>
          <p class="preview" dir="auto">${content.trim().slice(0, 300)}</p>
          <p class="hint">${w.templates.lines(content.split('\n').length)} · <${TimeAgo} at=${updatedAt} /></p></button>
      <${Menu} label=${w.templates.menu} items=${[
        { label: w.templates.edit, icon: 'edit', onSelect: () => edit(template) },
        {
          label: w.templates.duplicate,
          icon: 'copy',
          onSelect: () => edit({ name: w.templates.copyName(name), content }),
        },
        { label: w.templates.remove, icon: 'trash', tone: 'danger', onSelect: () => void remove() },
      ]} />
    </li>
  `;
}

function Editor({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const [name, setName] = useState(draft.name);
  const [content, setContent] = useState(draft.content);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  async function save(event: Event) {
    event.preventDefault();
    if (!name.trim()) return setError(w.templates.needName);
    setBusy(true);
    try {
      const body = { name: name.trim(), content };
      const saved = draft.id
        ? await api.put<Template>(path`/api/templates/${draft.id}`, body)
        : await api.post<Template>('/api/templates', body);
      store.set(change(store.get(), { type: 'template', template: saved }));
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
    }
  }
  return html`
    <${Dialog} title=${draft.id ? w.templates.formEdit : w.templates.formNew} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${save}>
        <${TextField} label=${w.templates
          .name} value=${name} error=${error} maxlength="200" onInput=${setName} autofocus />
        <${TextArea} label=${w.templates.content} hint=${w.templates
          .contentHint} class="input mono tall" rows=${12} value=${content}
          onInput=${setContent} spellcheck=${false} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
            <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//></div>
        </form><//>
  `;
}
