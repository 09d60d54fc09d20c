import { OWN_PROVIDERS } from '../../core/api/providers.ts';
import { html, useEffect, useState } from '../html.ts';
import type { TerminalProgram } from '../../core/api/terminals.ts';
import { Button, Dialog, EmptyState, PageHead, SelectField, Skeleton, TextField } from '../components/mod.ts';
import { DirectoryField } from '../forms/directory-field.ts';
import { go, path } from '../route.ts';
import { useApp, useStore } from '../app.ts';
import { openTerminal } from '../terminal/commands.ts';
import { TerminalList } from '../terminal/list.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';

/** All terminals of the machine, and opening one. */
export default function Terminals() {
  const terminals = useStore((state) => state.terminals);
  const loaded = useStore((state) => state.loaded);
  const why = useWhyUnavailable();
  const [isOpen, setOpen] = useState(false);
  const list = Object.values(terminals);
  const create = html`
    <${Button} tone="primary" icon="plus" onClick=${() => setOpen(true)}>${t.terminal.create}<//>
  `;
  const none = html`
    <${EmptyState} icon="terminal" title=${t.terminal.none} text=${t.terminal.noneText}>${create}<//>
  `;
  const shown = html`
    <p class="soft">${t.terminal.intro}</p>
    <${TerminalList} terminals=${list} />
  `;
  return html`
    <div class="page">
      <${PageHead} title=${t.terminal.title}>${!why && list.length > 0 && create}<//>
      ${why && html`<${EmptyState} icon="terminal" title=${t.terminal.unavailable} text=${why} />`}
      ${!loaded && html`<${Skeleton} lines=${3} />`}
      ${loaded && !why && !list.length && none}
      ${list.length > 0 && shown}
      ${isOpen && html`<${NewTerminal} onClose=${() => setOpen(false)} />`}
    </div>
  `;
}

/** Why this machine opens no terminals; empty when it does, and while that is not known. */
function useWhyUnavailable(): string {
  const { api } = useApp();
  const [why, setWhy] = useState('');
  useEffect(() => {
    api.get<{ available: boolean; text: string }>('/api/terminals').then(
      ({ available, text }) => setWhy(available ? '' : serverText(text)),
      () => {},
    );
  }, []);
  return why;
}

const PROGRAMS: TerminalProgram[] = ['shell', ...OWN_PROVIDERS];
const PROGRAM_OPTIONS = PROGRAMS.map((value) => ({ value, label: t.terminal.programs[value] }));

function NewTerminal({ onClose }: { onClose: () => void }) {
  const app = useApp();
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
      const terminal = await openTerminal(app, {
        command,
        ...(directory.trim() ? { directory: directory.trim() } : {}),
        ...(name.trim() ? { name: name.trim() } : {}),
      });
      go(path`/terminals/${terminal.id}`);
    } catch (refused) {
      setError((refused as Error).message);
      setBusy(false);
    }
  }
  const { form } = t.terminal;
  return html`
    <${Dialog} title=${t.terminal.create} onClose=${onClose}>
      <form class="stack" onSubmit=${create}>
        <${SelectField} label=${form.program} value=${command} options=${PROGRAM_OPTIONS} onChange=${setCommand} />
        <${DirectoryField} value=${directory} onInput=${setDirectory} error=${error} hint=${form.directoryHint} />
        <${TextField} label=${form.name} optional value=${name} maxlength="100" onInput=${setName} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.terminal.open}<//>
        </div>
      </form>
    <//>
  `;
}
