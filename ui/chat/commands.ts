import { html, useLayoutEffect, useRef } from '../html.ts';
import type { Capabilities } from '../../core/wire/types.ts';
import { t } from '../i18n/en.ts';

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

export function CommandList(props: { commands: readonly Command[]; chosen: number; onChoose: (name: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [props.chosen, props.commands]);
  return html`<div class="commands" ref=${box} id="commands" role="listbox" aria-label=${t.composer.commands}>
    ${
    props.commands.map((command, i) =>
      html`
        <button key=${command.name} type="button" role="option" aria-selected=${i === props.chosen}
          onPointerDown=${(event: Event) => event.preventDefault()} onClick=${() => props.onChoose(command.name)}>
              <span class="name mono ellipsis">/${command.name}</span>${command.argumentHint &&
                html`<span class="faint mono ellipsis">${command.argumentHint}</span>`}
              <span class="hint ellipsis">${command.description}</span></button>
      `
    )
  }
  </div>`;
}
