import { html, useState } from '../html.ts';
import type { FileDiff } from '../../core/wire/types.ts';
import { Icon } from './icon.ts';
import { t } from '../i18n/en.ts';

/** Lines of one file shown before "show more". */
const SHOWN_LINES = 400;

/** Changes of files as unified diffs with line numbers. `open`: whether the files' lines are shown at first. */
export function Diffs({ diffs, open = true }: { diffs: readonly FileDiff[]; open?: boolean }) {
  return html`<div class="diffs">${
    diffs.map((diff) => html`<${DiffView} key=${diff.path} diff=${diff} open=${open} />`)
  }</div>`;
}

export function DiffView({ diff, open = true }: { diff: FileDiff; open?: boolean }) {
  const [all, setAll] = useState(false);
  const rows = diffRows(diff);
  const shown = all ? rows : rows.slice(0, SHOWN_LINES);
  const { added, removed } = countLines(diff);
  return html`<details class="diff" open=${open}>
    <summary><${Icon} name="chevron" size=${16} /><span class="diff-path" title=${diff.path}><bdi>${diff.path}</bdi></span>
      ${diff.kind !== 'update' && html`<span class="faint">${t.diff[diff.kind]}</span>`}
      <span class="added">+${added}</span><span class="removed">−${removed}</span></summary>
    <div class="diff-scroll" tabindex="0" role="region" aria-label=${diff.path}><table><tbody>
      ${
    shown.map((row, i) =>
      html`
        <tr key=${i} class=${row.kind}>
          <td class="n">${row.old}</td>
          <td class="n">${row.new}</td>
          <td class="c">${row.text}</td>
        </tr>
      `
    )
  }
    </tbody></table></div>
    ${
    shown.length < rows.length && html`<button type="button" class="link-button" onClick=${() =>
      setAll(true)}>${t.diff.more(rows.length - shown.length)}</button>`
  }
    ${diff.truncated && html`<p class="hint">${t.diff.truncated}</p>`}
  </details>`;
}

interface Row {
  kind: 'add' | 'del' | 'same' | 'gap';
  old: string;
  new: string;
  text: string;
}

/** The rows of a diff with the line numbers of both sides; the sign stays in the text so that a copy is a patch. */
export function diffRows(diff: FileDiff): Row[] {
  return diff.hunks.flatMap((hunk) => {
    let oldLine = hunk.oldStart;
    let newLine = hunk.newStart;
    const head: Row = {
      kind: 'gap',
      old: '',
      new: '',
      text: `@@ −${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
    };
    const lines = hunk.lines.map((text): Row => {
      if (text.startsWith('+')) return { kind: 'add', old: '', new: String(newLine++), text };
      if (text.startsWith('-')) return { kind: 'del', old: String(oldLine++), new: '', text };
      if (text.startsWith('\\')) return { kind: 'gap', old: '', new: '', text };
      return { kind: 'same', old: String(oldLine++), new: String(newLine++), text };
    });
    return [head, ...lines];
  });
}

export function countLines(diff: FileDiff): { added: number; removed: number } {
  const lines = diff.hunks.flatMap((hunk) => hunk.lines);
  return {
    added: lines.filter((l) => l.startsWith('+')).length,
    removed: lines.filter((l) => l.startsWith('-')).length,
  };
}
