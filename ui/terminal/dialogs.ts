import type { TerminalInfo } from '../../core/api/terminals.ts';
import { useApp } from '../app.ts';
import { Button, Dialog, TextArea, TextField, toast, toastError } from '../components/mod.ts';
import { html, useState } from '../html.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import type { TerminalSession } from './session.ts';

export type Sheet = 'paste' | 'rename' | 'text';

interface SheetProps {
  session: TerminalSession;
  info: TerminalInfo;
  onClose: () => void;
}

export function SheetDialog({ sheet, ...props }: SheetProps & { sheet: Sheet }) {
  switch (sheet) {
    case 'paste':
      return html`<${PasteDialog} ...${props} />`;
    case 'rename':
      return html`<${RenameDialog} ...${props} />`;
    case 'text':
      return html`<${TextDialog} ...${props} />`;
  }
}

/** Where the browser does not let the page read the clipboard: paste into a field. */
function PasteDialog({ session, onClose }: SheetProps) {
  const [text, setText] = useState('');
  const send = () => {
    onClose();
    if (text) session.paste(text);
  };
  const footer = html`<${Button} tone="primary" onClick=${send}>${t.terminal.send}<//>`;
  return html`
    <${Dialog} title=${t.terminal.paste} onClose=${onClose} footer=${footer}>
      <${TextArea}
        label=${t.terminal.paste}
        hint=${t.terminal.pasteHint}
        class="input mono"
        rows=${5}
        autofocus
        autocapitalize="off"
        spellcheck=${false}
        value=${text}
        onInput=${setText}
      />
      <//>
  `;
}

/** All text of the terminal, to be selected with what the system has for it. */
function TextDialog({ session, onClose }: SheetProps) {
  const [text] = useState(() => session.text());
  const copy = () => void copyText(text).then(onClose, toastError);
  const footer = html`<${Button} tone="primary" icon="copy" onClick=${copy}>${t.terminal.copyAll}<//>`;
  return html`
    <${Dialog} title=${t.terminal.selectText} size="wide" onClose=${onClose} footer=${footer}>
      <p class="hint">${t.terminal.selectTextHint}</p>
      <pre class="terminal-text" tabindex="0">${text}</pre>
      <//>
  `;
}

function RenameDialog({ info, onClose }: SheetProps) {
  const { api } = useApp();
  const [name, setName] = useState(info.name);
  const wanted = name.trim();
  function save(event: Event): void {
    event.preventDefault();
    if (!wanted) return;
    void api.post(path`/api/terminals/${info.id}/rename`, { name: wanted }).then(onClose, toastError);
  }
  return html`
    <${Dialog} title=${t.terminal.rename} onClose=${onClose}>
      <form class="stack" onSubmit=${save}>
        <${TextField} label=${t.terminal.form.name} value=${name} maxlength="100" onInput=${setName} autofocus />
        <div class="row end">
          <${Button} type="submit" tone="primary" disabled=${!wanted}>${t.common.save}<//>
        </div>
      </form>
    <//>
  `;
}

/** Copies at the user's click; without a secure context by the browser's older way. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyByCommand(text)) throw new Error(t.common.copyFailed);
  }
  toast(t.common.copied);
}

function copyByCommand(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  return isDone;
}
