import { html } from '../html.ts';
import { TextField } from '../components/mod.ts';
import { BrowseButton } from './directory-picker.ts';

interface Props {
  label: string;
  hint?: string;
  value: string;
  error?: string;
  onInput: (value: string) => void;
}

/** A directory's path with the button that browses. */
export function DirectoryRow({ value, onInput, ...field }: Props) {
  return html`
    <div class="directory-row">
      <${TextField}
        ...${field}
        class="input mono"
        value=${value}
        onInput=${onInput}
        autocapitalize="off"
        spellcheck=${false}
      />
      <${BrowseButton} value=${value} onPick=${onInput} />
    </div>
  `;
}
