import { html, useLayoutEffect, useRef } from '../html.ts';
import { t } from '../i18n/all.ts';
import { useStore } from '../app.ts';
import { Field } from '../components/field.ts';
import { BrowseButton } from './directory-picker.ts';

/** Directories that agents used before, offered while typing. */
const MAX_OFFERED = 8;

interface Props {
  value: string;
  onInput: (value: string) => void;
  error?: string;
  hint?: string;
}

/** The directory to work in: typed, one that was used before, or chosen on the machine. */
export function DirectoryField({ value, onInput, error, hint = t.create.directoryHint }: Props) {
  const agents = useStore((state) => state.agents);
  const byUse = Object.values(agents).sort((a, b) => b.activeAt - a.activeAt);
  const used = [...new Set(byUse.map((agent) => agent.directory))].slice(0, MAX_OFFERED);
  const options = used.map((directory) => html`<option key=${directory} value=${directory}></option>`);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => showEnd(input.current), [value]);
  const onType = (event: Event) => onInput((event.target as HTMLInputElement).value);
  const control = (tie: object) =>
    html`
      <div class="with-button">
        <input
          ref=${input}
          class="input mono"
          value=${value}
          placeholder="/home/you/project"
          list="directories"
          autocomplete="off"
          autocapitalize="off"
          spellcheck=${false}
          onInput=${onType}
          onBlur=${() => setTimeout(() => showEnd(input.current))}
          ...${tie}
        />
        <${BrowseButton} value=${value} onPick=${onInput} />
        <datalist id="directories">${options}</datalist>
      </div>
    `;
  return html`<${Field} label=${t.create.directory} hint=${hint} error=${error}>${control}<//>`;
}

/** The end of a path says which folder it is; while one types the browser shows where that is. */
function showEnd(input: HTMLInputElement | null): void {
  if (input && input !== document.activeElement) input.scrollLeft = input.scrollWidth;
}
