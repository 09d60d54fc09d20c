import { html, useState } from '../html.ts';
import { Button, Dialog, TextArea, TextField, toast, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { tt } from '../i18n/en-terminal.ts';

/** Where the browser does not let the page read the clipboard: paste into a field. */
export function PasteDialog({ onText, onClose }: { onText: (text: string) => void; onClose: () => void }) {
  const [text, setText] = useState('');
  const send = () => {
    onClose();
    if (text) onText(text);
  };
  return html`
    <${Dialog} title=${tt.paste} onClose=${onClose}
      footer=${html`<${Button} tone="primary" onClick=${send}>${tt.send}<//>`}>
      <${TextArea} label=${tt.paste} hint=${tt.pasteHint} rows=${5} value=${text} onInput=${setText} autofocus
        autocapitalize="off" spellcheck=${false} class="input mono" />
      <//>
  `;
}

/** All text of the terminal, to be selected with what the system has for it. */
export function TextDialog({ text, onClose }: { text: string; onClose: () => void }) {
  const copy = () => copyText(text).then(onClose, toastError);
  return html`
    <${Dialog} title=${tt.selectText} size="wide" onClose=${onClose}
      footer=${html`<${Button} tone="primary" icon="copy" onClick=${() => void copy()}>${tt.copyAll}<//>`}>
      <p class="hint">${tt.selectTextHint}</p>
      <pre class="terminal-text" tabindex="0">${text}</pre>
      <//>
  `;
}

export function RenameDialog(props: { name: string; onName: (name: string) => Promise<void>; onClose: () => void }) {
  const [name, setName] = useState(props.name);
  const save = (event: Event) => {
    event.preventDefault();
    if (name.trim()) props.onName(name.trim()).then(props.onClose, toastError);
  };
  return html`
    <${Dialog} title=${tt.rename} onClose=${props.onClose}>
      <form class="stack" onSubmit=${save}>
        <${TextField} label=${tt.form.name} value=${name} maxlength="100" onInput=${setName} autofocus />
        <div class="row end">
          <${Button} type="submit" tone="primary" disabled=${!name.trim()}>${t.common.save}<//></div>
        </form>
      <//>
  `;
}

/** Copies at the user's click; without a secure context by the browser's older way. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    if (!isDone) throw new Error(t.common.copyFailed);
  }
  toast(t.common.copied);
}
