import { html, useEffect, useMemo, useRef, useState } from '../html.ts';
import type { ComponentChildren } from '../html.ts';
import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import { newId } from '../net/api.ts';
import { grow, IconButton, toastError } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { isComposing } from '../keyboard.ts';
import { useApp } from '../app.ts';
import { path } from '../route.ts';
import { AttachButton, AttachedFiles, Thumbnails, useAttachments } from './attachments.ts';
import type { Attachments } from './attachments.ts';
import { useCapabilities } from './capabilities.ts';
import { lazy, LazyView } from '../hooks/lazy.ts';
import { commandId, CommandList, matching } from './commands.ts';
import { allCommands, runOwn } from './own-commands.ts';
import { DictateButton } from './dictate.ts';
import { useDraft } from './draft.ts';
import { useHistory } from './history.ts';
import { useMentions, withMention } from './mentions.ts';
import { Pickers } from './pickers.ts';
import { Queue } from './queue.ts';

/** On a device with a keyboard Enter sends; on a phone it is a new line. */
const enterSends = () => matchMedia('(pointer: fine)').matches;

const commandHelp = lazy<{ capabilities: Capabilities | null; onClose: () => void }>(() => import('./command-help.ts'));

const isBusy = ({ state }: AgentInfo) => state === 'running' || state === 'starting' || state === 'waiting_input';

/** Where messages are written: text, pictures, commands; mode, model and effort below it. */
/** @param onSend a message is on its way */
export function Composer({ agent, onSend }: { agent: AgentInfo; onSend: () => void }) {
  const app = useApp();
  const [isHelp, setHelp] = useState(false);
  const [text, setText] = useDraft(agent.id);
  const attachments = useAttachments(agent.id);
  const area = useRef<HTMLTextAreaElement>(null);
  const capabilities = useCapabilities(agent);
  const completion = useCompletion(agent.id, text, capabilities, (next) => {
    setText(next);
    area.current?.focus();
  });
  const canSend = agent.resumable && (text.trim() !== '' || attachments.images.length + attachments.files.length > 0) &&
    !attachments.isSending;
  function send() {
    if (!canSend) return;
    const isCommand = !attachments.images.length && !attachments.files.length &&
      runOwn(text, { app, agent, showHelp: () => setHelp(true) });
    if (isCommand) return setText('');
    const body = messageBody(text, attachments);
    app.outbox.add({ kind: 'message', agent: agent.id, body });
    setText('');
    attachments.clear();
    onSend();
    area.current?.focus();
  }
  const rescue = (lost: string) => setText(text.trim() ? `${text}\n\n${lost}` : lost);
  const history = useHistory(agent.id, text, setText);
  function onKey(event: KeyboardEvent) {
    if (isComposing(event) || completion.onKey(event) || history(event) || event.key !== 'Enter' || event.shiftKey) {
      return;
    }
    if (!enterSends() && !event.metaKey && !event.ctrlKey) return;
    event.preventDefault();
    send();
  }
  const toolbar: ToolbarProps = { agent, capabilities, attachments, canSend, text, onText: setText };
  return html`
    <div class="composer">
      <${Queue} agent=${agent} onRescue=${rescue} />
      ${completion.list}
      <${ComposerForm} attachments=${attachments} onSubmit=${send}>
        <${TextBox}
          area=${area}
          agent=${agent}
          text=${text}
          command=${completion.chosen}
          onText=${setText}
          onKey=${onKey}
          attachments=${attachments}
        />
        <${Toolbar} ...${toolbar} />
      <//>
      ${isHelp &&
        html`<${LazyView} source=${commandHelp} capabilities=${capabilities} onClose=${() => setHelp(false)} />`}
    </div>
  `;
}

function messageBody(text: string, attachments: Attachments) {
  const images = attachments.images.map(({ mediaType, data }) => ({ mediaType, data }));
  const files = attachments.sent();
  return {
    text: text.trim(),
    clientId: newId(),
    ...(images.length ? { images } : {}),
    ...(files.length ? { files } : {}),
  };
}

interface FormProps {
  attachments: Attachments;
  onSubmit: () => void;
  children?: ComponentChildren;
}

/** The frame that takes a submit, and files that are dropped on it. */
function ComposerForm({ attachments, onSubmit, children }: FormProps) {
  function submit(event: Event) {
    event.preventDefault();
    onSubmit();
  }
  function drop(event: DragEvent) {
    event.preventDefault();
    attachments.add(event.dataTransfer?.files ?? []);
  }
  const allow = (event: DragEvent) => event.preventDefault();
  return html`
    <form class="composer-box" onSubmit=${submit} onDragOver=${allow} onDrop=${drop}>
      <${Thumbnails} attachments=${attachments} />
      <${AttachedFiles} attachments=${attachments} />
      ${children}
    </form>
  `;
}

/** The commands and files that a text may become, and the keys that choose among them. */
function useCompletion(
  agent: string,
  text: string,
  capabilities: Capabilities | null,
  onText: (text: string) => void,
) {
  const [position, setPosition] = useState(0);
  const [dismissed, setDismissed] = useState('');
  const wanted = text === dismissed ? '' : text;
  const files = useMentions(agent, wanted);
  const known = useMemo(() => matching(wanted, allCommands(capabilities)), [wanted, capabilities]);
  const areFiles = files.length > 0;
  const commands = areFiles ? files : known;
  const complete = (name: string) => onText(areFiles ? withMention(text, name) : `/${name} `);
  useEffect(() => setPosition(0), [text]);
  const chosen = Math.min(position, commands.length - 1);
  /** @returns true when the key was one of the list */
  function onKey(event: KeyboardEvent): boolean {
    if (!commands.length) return false;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Escape') {
      setDismissed(text);
      event.preventDefault();
      return true;
    }
    if (step) setPosition((position + step + commands.length) % commands.length);
    else if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) complete(commands[chosen]!.name);
    else return false;
    event.preventDefault();
    return true;
  }
  const list = commands.length > 0
    ? html`<${CommandList} commands=${commands} chosen=${chosen} onChoose=${complete} areFiles=${areFiles} />`
    : null;
  return { list, onKey, chosen: commands.length ? commandId(commands[chosen]!) : '' };
}

interface TextBoxProps {
  area: { current: HTMLTextAreaElement | null };
  agent: AgentInfo;
  text: string;
  /** Id of the command that Enter takes; empty: none is offered. */
  command: string;
  onText: (text: string) => void;
  onKey: (event: KeyboardEvent) => void;
  attachments: Attachments;
}

function TextBox({ area, agent, text, command, onText, onKey, attachments }: TextBoxProps) {
  useEffect(() => grow(area.current), [text]);
  function onPaste(event: ClipboardEvent) {
    const files = event.clipboardData?.files;
    if (!files?.length) return;
    attachments.add(files);
    event.preventDefault();
  }
  return html`
    <textarea
      ref=${area}
      rows="1"
      dir="auto"
      value=${text}
      disabled=${!agent.resumable}
      aria-label=${t.composer.label}
      placeholder=${placeholder(agent)}
      aria-autocomplete="list"
      aria-controls=${command ? 'commands' : undefined}
      aria-activedescendant=${command || undefined}
      enterkeyhint=${enterSends() ? 'send' : 'enter'}
      onInput=${(event: Event) => onText((event.target as HTMLTextAreaElement).value)}
      onKeyDown=${onKey}
      onPaste=${onPaste}
    ></textarea>
  `;
}

function placeholder(agent: AgentInfo): string {
  if (!agent.resumable) return t.composer.closed;
  if (agent.pending.length) return t.composer.answerAbove;
  return isBusy(agent) ? t.composer.busy : t.composer.placeholder(t.provider[agent.provider] ?? agent.provider);
}

interface ToolbarProps {
  agent: AgentInfo;
  capabilities: Capabilities | null;
  attachments: Attachments;
  canSend: boolean;
  text: string;
  onText: (text: string) => void;
}

function Toolbar({ agent, capabilities, attachments, canSend, text, onText }: ToolbarProps) {
  const busy = isBusy(agent);
  return html`
    <div class="composer-bar">
      <${AttachButton} attachments=${attachments} disabled=${!agent.resumable} />
      <${DictateButton} text=${text} onText=${onText} disabled=${!agent.resumable} />
      <${Pickers} agent=${agent} capabilities=${capabilities} />
      ${busy && html`<${InterruptButton} agent=${agent} />`}
      <${IconButton}
        icon="send"
        label=${busy ? t.composer.queue : t.composer.send}
        tone="primary"
        type="submit"
        disabled=${!canSend}
        class="send"
      />
    </div>
  `;
}

function InterruptButton({ agent }: { agent: AgentInfo }) {
  const { api } = useApp();
  const interrupt = () => void api.command(path`/api/agents/${agent.id}/interrupt`).catch(toastError);
  return html`
    <${IconButton} icon="stop" label=${t.composer.interrupt} tone="plain" class="interrupt" onClick=${interrupt} />
  `;
}
