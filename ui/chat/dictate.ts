/** The composer's microphone. */
import { html, useState } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { lazy, useLazy } from '../hooks/lazy.ts';
import { t } from '../i18n/all.ts';
import type { DictateProps } from './dictate-props.ts';

const control = lazy<DictateProps>(() => import('./dictation-control.ts'));

export function DictateButton(props: DictateProps) {
  const [wanted, setWanted] = useState(false);
  if (wanted) return html`<${Loaded} ...${props} />`;
  return html`
    <${IconButton}
      icon="microphone"
      label=${t.dictation.start}
      tone="plain"
      class="dictate"
      disabled=${props.disabled}
      onClick=${() => setWanted(true)}
    />
  `;
}

function Loaded(props: DictateProps) {
  const { View, failed, retry } = useLazy(control);
  if (View) return html`<${View} ...${props} />`;
  const label = failed ? t.common.retry : t.common.loading;
  return html`
    <${IconButton} icon="microphone" label=${label} class="dictate" disabled=${!failed} onClick=${retry} />
    ${failed && html`<p class="dictation-note bad" role="status">${t.common.loadFailed}</p>`}
  `;
}
