import { html, useEffect, useState } from '../html.ts';
import type { TerminalProgram } from '../../core/wire/terminal.ts';
import { Button, Dialog, EmptyState, PageHead, SelectField, Skeleton, TextField } from '../components/mod.ts';
import { FolderField } from '../components/folder-field.ts';
import { tt } from '../i18n/en-terminal.ts';
import { go, path } from '../route.ts';
import { api, useStore } from '../services.ts';
import { openTerminal } from '../terminal/commands.ts';
import { TerminalList } from '../terminal/list.ts';
import { t } from '../i18n/en.ts';

/** All terminals of the machine, and opening one. */
export default function Terminals() {
  const terminals = useStore((state) => state.terminals);
  const [why, setWhy] = useState('');
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    api.get<{ available: boolean; text: string }>('/api/terminals').then(
      (found) => setWhy(found.available ? '' : found.text),
      () => {},
    );
  }, []);
  const loaded = useStore((state) => state.loaded);
  const list = Object.values(terminals);
  const create = (tone: string) =>
    html`<${Button} tone=${tone} icon="plus" onClick=${() => setOpen(true)}>${tt.create}<//>`;
  return html`
    <div class="page">
      <${PageHead} title=${tt.title}>${!why && list.length > 0 && create('primary')}<//>
        ${why && html`<${EmptyState} icon="terminal" title=${tt.unavailable} text=${why} />`}
        ${!loaded && html`<${Skeleton} lines=${3} />`}
        ${loaded && !why && !list.length &&
          html`<${EmptyState} icon="terminal" title=${tt.none} text=${tt.noneText}>${create('primary')}<//>`}
        ${list.length > 0 && html`
          <p class="soft">${tt.intro}</p>
          <${TerminalList} terminals=${list} />
        `}
        ${isOpen && html`<${NewTerminal} onClose=${() => setOpen(false)} />`}
      </div>
  `;
}

const PROGRAMS: TerminalProgram[] = ['shell', 'claude', 'codex'];

function NewTerminal({ onClose }: { onClose: () => void }) {
  const [directory, setDirectory] = useState('');
  const [name, setName] = useState('');
  const [command, setCommand] = useState<TerminalProgram>('shell');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  async function create(event: Event) {
    event.preventDefault();
    setBusy(true);
    setError('');
    try {
      const made = await openTerminal({
        command,
        ...(directory.trim() ? { directory: directory.trim() } : {}),
        ...(name.trim() ? { name: name.trim() } : {}),
      });
      go(path`/terminals/${made.id}`);
    } catch (refused) {
      setError((refused as Error).message);
      setBusy(false);
    }
  }
  return html`
    <${Dialog} title=${tt.create} onClose=${onClose}>
      <form class="stack" onSubmit=${create}>
        <${SelectField} label=${tt.form.program} value=${command} onChange=${(value: string) =>
          setCommand(value as TerminalProgram)}
          options=${PROGRAMS.map((value) => ({ value, label: tt.programs[value] }))} />
        <${FolderField} value=${directory} onInput=${setDirectory} error=${error} hint=${tt.form.folderHint} />
        <${TextField} label=${tt.form.name} optional value=${name} maxlength="100" onInput=${setName} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
            <${Button} type="submit" tone="primary" busy=${busy}>${tt.open}<//></div>
        </form>
      <//>
  `;
}
