import { html, useLayoutEffect, useRef } from '../html.ts';
import type { Capabilities } from '../../core/api/agents.ts';
import { t } from '../i18n/all.ts';

type Command = Capabilities['commands'][number];
const MAX_SHOWN = 8;

/** The commands that a text such as `/cl` may become; none once a space follows. */
export function matching(text: string, commands: readonly Command[]): Command[] {
  const typed = /^\/(\S*)$/.exec(text)?.[1]?.toLowerCase();
  if (typed === undefined) return [];
  const begins = commands.filter((command) => command.name.toLowerCase().startsWith(typed));
  const contains = commands.filter((command) =>
    !begins.includes(command) && command.name.toLowerCase().includes(typed)
  );
  return [...begins, ...contains].slice(0, MAX_SHOWN);
}

/** Id of a command's element. */
export const commandId = ({ name }: Command): string => `command-${name}`;

interface Props {
  commands: readonly Command[];
  /** Index of the one that Enter takes. */
  chosen: number;
  onChoose: (name: string) => void;
  /** They are files: without the sign of a command. */
  areFiles?: boolean;
}

/** The commands as a list above the text. */
export function CommandList({ commands, chosen, onChoose, areFiles = false }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, commands]);
  const options = commands.map((command, i) =>
    html`
      <${CommandOption}
        key=${command.name}
        command=${command}
        sign=${areFiles ? '' : '/'}
        isChosen=${i === chosen}
        onChoose=${onChoose}
      />
    `
  );
  return html`
    <div class="commands" ref=${box} id="commands" role="listbox" aria-label=${areFiles
      ? t.files.list
      : t.composer.commands}>
      ${options}
    </div>
  `;
}

interface OptionProps {
  command: Command;
  sign: string;
  isChosen: boolean;
  onChoose: (name: string) => void;
}

function CommandOption(props: OptionProps) {
  const { name, argumentHint, description } = props.command;
  // The text keeps the focus.
  const keepFocus = (event: Event) => event.preventDefault();
  return html`
    <button
      type="button"
      role="option"
      id=${commandId(props.command)}
      tabindex="-1"
      aria-selected=${props.isChosen}
      onPointerDown=${keepFocus}
      onClick=${() => props.onChoose(name)}
    >
      <span class="name mono ellipsis">${props.sign}${name}</span>
      ${argumentHint && html`<span class="faint mono ellipsis">${argumentHint}</span>`}
      <span class="hint ellipsis">${description}</span>
    </button>
  `;
}
