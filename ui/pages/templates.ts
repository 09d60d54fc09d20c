import { html, useState } from '../html.ts';
import type { Template } from '../../core/api/templates.ts';
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
  toast,
  toastError,
} from '../components/mod.ts';
import type { MenuItem } from '../components/menu.ts';
import { machineTexts as texts } from '../i18n/machines.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import { useOthers } from './copy-to.ts';

type Draft = Pick<Template, 'name' | 'content'> & { id?: string };
type Edit = (draft: Draft) => void;

/** Templates of instructions: written, edited, copied, deleted. */
export default function Templates() {
  const table = useStore((state) => state.templates);
  const loaded = useStore((state) => state.loaded);
  const [draft, setDraft] = useState<Draft | null>(null);
  const templates = Object.values(table).sort((a, b) => a.name.localeCompare(b.name));
  const add = () => setDraft({ name: '', content: '' });
  const none = html`<${EmptyState} icon="templates" title=${t.templates.empty} text=${t.templates.emptyText} />`;
  const tiles = templates.map((template) => html`<${Tile} key=${template.id} template=${template} edit=${setDraft} />`);
  return html`
    <div class="page">
      <${PageHead} title=${t.templates.title}>
        <${Button} tone="primary" icon="plus" onClick=${add}>${t.templates.add}<//>
      <//>
      ${!loaded && html`<${Skeleton} lines=${5} />`}
      ${loaded && !templates.length && none}
      <ul class="tiles">${tiles}</ul>
      ${draft && html`<${Editor} draft=${draft} onClose=${() => setDraft(null)} />`}
    </div>
  `;
}

function Tile({ template, edit }: { template: Template; edit: Edit }) {
  const { name, content, updatedAt } = template;
  const lines = t.templates.lines(content.split('\n').length);
  return html`
    <li class="tile">
      <button type="button" class="tile-main" onClick=${() => edit(template)}>
        <h2 dir="auto">${name}</h2>
        <p class="preview" dir="auto">${content.trim().slice(0, 300)}</p>
        <p class="hint">${lines} · <${TimeAgo} at=${updatedAt} /></p>
      </button>
      <${TileMenu} template=${template} edit=${edit} />
    </li>
  `;
}

function TileMenu({ template, edit }: { template: Template; edit: Edit }) {
  const { api } = useApp();
  const { id, name, content } = template;
  async function remove() {
    const { removeTitle: title, removeText, remove: action } = t.templates;
    if (!(await confirm({ title, text: removeText(name), action, tone: 'danger' }))) return;
    await api.delete(path`/api/templates/${id}`).catch(toastError);
  }
  const copies = useOthers().map(({ app, name: machine, connected }): MenuItem => ({
    label: texts.copyTo(machine),
    icon: 'machine',
    disabled: !connected,
    onSelect: () =>
      void app.api.post('/api/templates', { name, content }).then(
        () => toast(texts.copiedTo(machine)),
        toastError,
      ),
  }));
  const items: MenuItem[] = [
    { label: t.templates.edit, icon: 'edit', onSelect: () => edit(template) },
    {
      label: t.templates.duplicate,
      icon: 'copy',
      onSelect: () => edit({ name: t.templates.copyName(name), content }),
    },
    ...copies,
    { label: t.templates.remove, icon: 'trash', tone: 'danger', onSelect: () => void remove() },
  ];
  return html`<${Menu} label=${t.templates.menu} items=${items} />`;
}

function Editor({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const { api, store } = useApp();
  const [name, setName] = useState(draft.name);
  const [content, setContent] = useState(draft.content);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  async function save(event: Event) {
    event.preventDefault();
    if (!name.trim()) return setError(t.templates.needName);
    setBusy(true);
    try {
      const body = { name: name.trim(), content };
      const template = draft.id
        ? await api.put<Template>(path`/api/templates/${draft.id}`, body)
        : await api.post<Template>('/api/templates', body);
      store.change({ type: 'template', template });
      onClose();
    } catch (refused) {
      setBusy(false);
      setError((refused as Error).message);
    }
  }
  return html`
    <${Dialog} title=${draft.id ? t.templates.formEdit : t.templates.formNew} size="wide" onClose=${onClose}>
      <form class="stack" onSubmit=${save}>
        <${NameField} value=${name} error=${error} onInput=${setName} />
        <${TextArea}
          label=${t.templates.content}
          hint=${t.templates.contentHint}
          class="input mono tall"
          rows=${12}
          value=${content}
          onInput=${setContent}
          spellcheck=${false}
        />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}

const NameField = (props: { value: string; error: string; onInput: (name: string) => void }) =>
  html`<${TextField} label=${t.templates.name} maxlength="200" autofocus ...${props} />`;
