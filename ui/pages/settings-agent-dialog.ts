import { html, useState } from '../html.ts';
import type { AcpAgentSettings } from '../../core/api/settings.ts';
import { Button, Dialog, TextArea, TextField, toast } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';

interface Props {
  /** Without an id: a new one. */
  agent: Partial<AcpAgentSettings>;
  all: readonly AcpAgentSettings[];
  save: (agents: AcpAgentSettings[]) => Promise<void>;
  onClose: () => void;
}

/** Every value as it is typed. */
interface Form {
  id: string;
  name: string;
  command: string;
  args: string;
  env: string;
  icon: string;
}

const formOf = (
  { id = '', name = '', command = '', args = [], env = {}, icon = '' }: Partial<AcpAgentSettings>,
): Form => ({
  id,
  name,
  command,
  args: args.join('\n'),
  env: Object.entries(env).map(([key, value]) => `${key}=${value}`).join('\n'),
  icon,
});

const linesOf = (text: string) => text.split('\n').map((line) => line.trim()).filter(Boolean);

/** @returns a sentence when a line of the environment is none */
export function agentOf(form: Form): AcpAgentSettings | string {
  const lines = linesOf(form.env);
  const bad = lines.find((line) => !/^[^=\s]+=/.test(line));
  if (bad !== undefined) return t.acpAgents.badEnv(bad);
  const entries = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
  return {
    id: form.id.trim(),
    name: form.name.trim(),
    command: form.command.trim(),
    args: linesOf(form.args),
    ...(entries.length ? { env: Object.fromEntries(entries) } : {}),
    ...(form.icon.trim() ? { icon: form.icon.trim() } : {}),
  };
}

/** One agent program of the user's own. */
export function AcpAgentDialog({ agent, all, save, onClose }: Props) {
  const [form, setForm] = useState(() => formOf(agent));
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const s = t.acpAgents;
  async function submit(event: Event) {
    event.preventDefault();
    const wanted = agentOf(form);
    if (typeof wanted === 'string') return setError(wanted);
    setBusy(true);
    try {
      await save([...all.filter(({ id }) => id !== agent.id), wanted]);
      toast(s.added(wanted.name));
      onClose();
    } catch (refused) {
      setError((refused as Error).message);
      setBusy(false);
    }
  }
  return html`
    <${Dialog} title=${agent.id ? s.editTitle(agent.name ?? agent.id) : s.addTitle} onClose=${onClose}>
      <form class="stack" onSubmit=${submit} novalidate>
        ${error && html`<${Note} tone="bad" alert>${error}<//>`}
        <${Fields} form=${form} isNew=${!agent.id} set=${(part: Partial<Form>) => setForm({ ...form, ...part })} />
        <div class="row end">
          <${Button} onClick=${onClose}>${t.common.cancel}<//>
          <${Button} type="submit" tone="primary" busy=${busy}>${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}

interface FieldsProps {
  form: Form;
  isNew: boolean;
  set: (part: Partial<Form>) => void;
}

function Fields({ form, isNew, set }: FieldsProps) {
  const s = t.acpAgents;
  const field = (name: keyof Form) => ({
    value: form[name],
    onInput: (value: string) => set({ [name]: value }),
    autocapitalize: 'off',
    spellcheck: false,
  });
  return html`
    <${TextField} label=${s.name} ...${field('name')} />
    <${TextField} label=${s.id} hint=${s.idHint} disabled=${!isNew} ...${field('id')} />
    <${TextField} label=${s.command} hint=${s.commandHint} ...${field('command')} />
    <${TextArea} class="input mono" label=${s.args} optional hint=${s.argsHint} rows=${1} ...${field('args')} />
    <${TextArea} class="input mono" label=${s.env} optional hint=${s.envHint} rows=${1} ...${field('env')} />
    <${TextField} label=${s.icon} optional hint=${s.iconHint} maxlength="4" ...${field('icon')} />
  `;
}
