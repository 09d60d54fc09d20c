import { providerData } from '../../core/api/providers.ts';
import { html } from '../html.ts';
import { Card, Icon, TextArea, TextField, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import type { Form } from './create-form.ts';
import { TemplateField } from './template-field.ts';
import { INSTRUCTIONS_FIELD } from '../../core/api/instructions.ts';

interface Props {
  form: Form;
  set: (part: Partial<Form>) => void;
  field: (name: keyof Form & string) => object;
}

/** What most agents do not need: instructions, limits, tools, notifications. */
export function MoreFlags({ form, set, field }: Props) {
  const toggle = () => set({ more: !form.more });
  return html`
    <div class="more-flags">
      <button type="button" class="more-button" aria-expanded=${form.more} onClick=${toggle}>
        <span>${t.create.more}</span>
        <${Icon} name="chevron" size=${18} />
      </button>
      ${form.more && html`<${MoreCards} form=${form} set=${set} field=${field} />`}
    </div>
  `;
}

function MoreCards(props: Props) {
  return html`
    <div class="stack">
      <${InstructionsCard} ...${props} />
      <${WorkCard} ...${props} />
      ${providerData(props.form.provider).features.limits && html`<${LimitsCard} ...${props} />`}
      <${SessionCard} ...${props} />
      <${ContactsCard} ...${props} />
    </div>
  `;
}

function InstructionsCard({ set, field }: Props) {
  const c = t.create;
  const fill = (instructions: string) => set({ [INSTRUCTIONS_FIELD]: instructions });
  return html`
    <${Card} title=${c.instructions}>
      <${TemplateField} label=${c.template} prompt=${c.chooseTemplate} onPick=${fill} />
      <${TextArea} label=${c.instructionsField} hint=${c.instructionsFieldHint} rows=${3} ...${field(
        INSTRUCTIONS_FIELD,
      )} />
      <//>
  `;
}

type Flag = 'worktree' | 'chrome' | 'fullAuto' | 'forkSession' | 'dangerouslySkipPermissions';

interface FlagProps extends Pick<Props, 'form' | 'set'> {
  name: Flag;
  label: string;
  hint: string;
}

function FlagToggle({ form, set, name, label, hint }: FlagProps) {
  const change = (on: boolean) => set({ [name]: on });
  return html`<${Toggle} label=${label} hint=${hint} checked=${form[name]} onChange=${change} />`;
}

function WorkCard({ form, set, field }: Props) {
  const c = t.create;
  const can = providerData(form.provider).features;
  const flag = (name: Flag, label: string, hint: string) =>
    html`<${FlagToggle} form=${form} set=${set} name=${name} label=${label} hint=${hint} />`;
  return html`
    <${Card} title=${c.work}>
      <div>
        ${flag('worktree', c.worktree, c.worktreeHint)}
        ${can.chrome && flag('chrome', c.chrome, c.chromeHint)}
        ${can.fullAuto && flag('fullAuto', c.fullAuto, c.fullAutoHint)}
        ${flag('dangerouslySkipPermissions', c.skip, c.skipHint)}
      </div>
      ${form.dangerouslySkipPermissions && html`<${Note} tone="warn" alert>${c.skipWarning}<//>`}
      ${can.addDirs && html`<${DirectoriesField} field=${field} />`}
    <//>
  `;
}

const DirectoriesField = ({ field }: Pick<Props, 'field'>) =>
  html`<${TextArea} label=${t.flags.addDirs} optional hint=${t.create.listHint} rows=${1} ...${field('addDirs')} />`;

function LimitsCard({ field }: Props) {
  const c = t.create;
  return html`
    <${Card} title=${c.limits}>
      <${TextField}
        label=${c.budget}
        optional
        inputmode="decimal"
        placeholder="5.00"
        ...${field('maxBudgetUsd')}
      />
      <${TextArea} label=${t.flags.allowedTools} optional hint=${c.toolsHint} rows=${1} ...${field('allowedTools')} />
      <${TextArea} label=${t.flags.disallowedTools} optional rows=${1} ...${field('disallowedTools')} />
      <${TextArea} label=${t.flags.mcpConfig} optional hint=${c.mcpHint} rows=${1} ...${field('mcpConfig')} />
      <//>
  `;
}

function SessionCard({ form, set, field }: Props) {
  const c = t.create;
  const fork = html`
    <div>
      <${FlagToggle} form=${form} set=${set} name="forkSession" label=${t.flags.forkSession} hint=${c.forkHint} />
    </div>
  `;
  return html`
    <${Card} title=${c.continue}>
      <${TextField} label=${t.flags.resume} optional hint=${c.resumeHint} ...${field('resume')} />
      ${form.resume.trim() && providerData(form.provider).features.fork && fork}
    <//>
  `;
}

function ContactsCard({ field }: Props) {
  const c = t.create;
  return html`
    <${Card} title=${c.notify}>
      <p class="hint">${c.notifyHint}</p>
      <${TextField}
        label=${c.email}
        optional
        type="email"
        inputmode="email"
        placeholder="you@example.org"
        ...${field('adminEmail')}
      />
      <${TextField}
        label=${c.whatsapp}
        optional
        type="tel"
        inputmode="tel"
        placeholder="+49 170 1234567"
        ...${field('whatsappPhone')}
      />
      <${TextField}
        label=${c.slack}
        optional
        type="url"
        inputmode="url"
        placeholder="https://hooks.slack.com/…"
        ...${field('slackWebhookUrl')}
      />
      <//>
  `;
}
