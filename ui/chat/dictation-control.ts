/** The composer's microphone while it is used: loaded at the first press. */
import { html, useEffect, useRef, useState } from '../html.ts';
import { IconButton } from '../components/mod.ts';
import { t } from '../i18n/all.ts';
import { language } from '../i18n/t.ts';
import { createRecognition, Dictation } from './dictation.ts';
import type { DictationTrouble } from '../i18n/en/dictation.ts';
import type { DictateProps } from './dictate-props.ts';

/** The browser's own language where it is a kind of the dashboard's: it knows the accent. */
const spoken = (): string =>
  navigator.languages.find((tag) => tag.startsWith(language)) ?? (language === 'zh' ? 'zh-CN' : 'en-US');

export default function DictationControl({ text, onText, disabled }: DictateProps) {
  const [trouble, setTrouble] = useState<DictationTrouble | null>(null);
  const [listening, setListening] = useState<Dictation | null>(null);
  const current = useRef(text);
  current.current = text;
  function start() {
    setTrouble(null);
    const recognition = createRecognition();
    if (typeof recognition === 'string') return setTrouble(recognition);
    const onEnd = (why: DictationTrouble | null) => {
      setListening(null);
      setTrouble(why);
    };
    const dictation = new Dictation({
      recognition,
      language: spoken(),
      text: () => current.current,
      onText(next) {
        current.current = next;
        onText(next);
      },
      onEnd,
    });
    setListening(dictation);
    dictation.start();
  }
  useEffect(start, []); // the press that loaded this
  useEffect(() => () => listening?.abort(), [listening]);
  useEffect(() => {
    if (text === '' && listening?.hasWritten) listening.abort(); // it was sent
  }, [text]);
  const label = listening ? t.dictation.stop : t.dictation.start;
  const press = () => listening ? listening.stop() : start();
  const said = listening ? t.dictation.listening : trouble ? t.dictation.trouble[trouble] : '';
  return html`
    <${IconButton}
      icon="microphone"
      label=${label}
      tone="plain"
      class=${listening ? 'dictate is-on' : 'dictate'}
      disabled=${disabled}
      aria-pressed=${listening !== null}
      onClick=${press}
    />
    ${said && html`<p class=${`dictation-note ${trouble ? 'bad' : ''}`} role="status">${said}</p>`}
  `;
}
