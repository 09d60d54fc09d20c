import { html } from '../html.ts';
import { Card, Icon, SelectField, TextArea, TextField, Toggle } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { useStore } from '../services.ts';
import type { Form } from './create-form.ts';

interface Props {
  form: Form;
  set: (part: Partial<Form>) => void;
  errors: Record<string, string>;
  field: (name: keyof Form & string) => object;
}

/** What most agents do not need: instructions, limits, tools, notifications. */
export function MoreFlags({ form, set, field }: Props) {
  const c = t.create;
  const toggle = (
    name: 'worktree' | 'chrome' | 'fullAuto' | 'forkSession' | 'dangerouslySkipPermissions',
    label: string,
    hint: string,
  ) =>
    html`<${Toggle} label=${label} hint=${hint} checked=${form[name]} onChange=${(on: boolean) =>
      set({ [name]: on })} />`;
  return html`<div class="more-flags">
    <button type="button" class="more-button" aria-expanded=${form.more} onClick=${() =>
    set({ more: !form.more })}><span>${c.more}</span><${Icon} name="chevron" size=${18} /></button>
    ${
    form.more && html`
      <div class="stack">
        <${Card} title=${c.instructions}>
          <${TemplatePicker} onPick=${(claudeMd: string) => set({ claudeMd })} />
          <${TextArea} label=${c.claudeMd} hint=${c.claudeMdHint} rows=${3} ...${field('claudeMd')} />
          <//>
          <${Card} title=${c.work}>
              <div>${toggle('worktree', c.worktree, c.worktreeHint)}
              ${form.provider === 'claude' && toggle('chrome', c.chrome, c.chromeHint)}
              ${form.provider === 'codex' && toggle('fullAuto', c.fullAuto, c.fullAutoHint)}
              ${toggle('dangerouslySkipPermissions', c.skip, c.skipHint)}</div>
              ${form.dangerouslySkipPermissions &&
                html`<p class="note warn" role="alert"><${Icon} name="warning" size=${18} /><span>${c.skipWarning}</span></p>`}
              <${TextArea} label=${t.flags.addDirs} optional hint=${c.listHint} rows=${1} ...${field('addDirs')} />
            <//>
            ${form.provider === 'claude' && html`
              <${Card} title=${c.limits}>
                <${TextField} label=${c.budget} optional inputmode="decimal" placeholder="5.00" ...${field(
                  'maxBudgetUsd',
                )} />
                <${TextArea} label=${t.flags.allowedTools} optional hint=${c.toolsHint} rows=${1} ...${field(
                  'allowedTools',
                )} />
                <${TextArea} label=${t.flags.disallowedTools} optional rows=${1} ...${field('disallowedTools')} />
                <${TextArea} label=${t.flags.mcpConfig} optional hint=${c.mcpHint} rows=${1} ...${field('mcpConfig')} />
                <//>
            `}
            <${Card} title=${c.continue}>
              <${TextField} label=${t.flags.resume} optional hint=${c.resumeHint} ...${field('resume')} />
              ${form.resume.trim() && html`<div>${toggle('forkSession', t.flags.forkSession!, c.forkHint)}</div>`}
            <//>
            <${Card} title=${c.notify}>
              <p class="hint">${c.notifyHint}</p>
              <${TextField} label=${c
                .email} optional type="email" inputmode="email" placeholder="you@example.org" ...${field(
                  'adminEmail',
                )} />
              <${TextField} label=${c
                .whatsapp} optional type="tel" inputmode="tel" placeholder="+49 170 1234567" ...${field(
                  'whatsappPhone',
                )} />
              <${TextField} label=${c
                .slack} optional type="url" inputmode="url" placeholder="https://hooks.slack.com/…" ...${field(
                  'slackWebhookUrl',
                )} />
            <//>
          </div>
    `
  }
  </div>`;
}

/** Fills the instructions from a saved template. */
function TemplatePicker({ onPick }: { onPick: (content: string) => void }) {
  const table = useStore((state) => state.templates);
  const templates = Object.values(table);
  if (!templates.length) return null;
  const options = [
    { value: '', label: t.create.chooseTemplate },
    ...templates.map(({ id, name }) => ({ value: id, label: name })),
  ];
  return html`<${SelectField} label=${t.create.template} value="" options=${options} onChange=${(id: string) =>
    id && onPick(table[id]!.content)} />`;
}
