import { html } from '../html.ts';
import { t } from '../i18n/en.ts';
import { useStore } from '../services.ts';
import { Field } from './field.ts';
import { BrowseButton } from './folder-picker.ts';

/** Folders that agents used before, offered while typing. */
const MAX_OFFERED = 8;

interface Props {
  value: string;
  onInput: (value: string) => void;
  error?: string;
  hint?: string;
}

/** The folder to work in: typed, one that was used before, or chosen on the machine. */
export function FolderField({ value, onInput, error, hint = t.create.directoryHint }: Props) {
  const agents = useStore((state) => state.agents);
  const byUse = Object.values(agents).sort((a, b) => b.activeAt - a.activeAt);
  const used = [...new Set(byUse.map((agent) => agent.directory))].slice(0, MAX_OFFERED);
  return html`<${Field} label=${t.create.directory} hint=${hint} error=${error}>
    ${(tie: object) =>
    html`
      <div class="with-button">
        <input class="input mono" value=${value} placeholder="/home/you/project" list="folders" autocomplete="off"
          autocapitalize="off" spellcheck=${false}
          onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)} ...${tie} />
        <${BrowseButton} value=${value} onPick=${onInput} />
        <datalist id="folders">${used.map((folder) => html`<option key=${folder} value=${folder}></option>`)}</datalist>
      </div>
    `}
  <//>`;
}
