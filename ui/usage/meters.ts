import type { LimitWindow, UsageMeter } from '../../core/api/usage.ts';
import { Card, TimeAgo } from '../components/mod.ts';
import { useProviderLabel } from '../hooks/use-providers.ts';
import { html } from '../html.ts';
import { t } from '../i18n/all.ts';
import { resetTime } from './reset-time.ts';

const WARN_FROM = 75;
const BAD_FROM = 90;

/** How much of an account's limits is used, as its CLI said last. */
export function MeterCard({ meter }: { meter: UsageMeter }) {
  const provider = useProviderLabel(meter.provider);
  const title = meter.account ? `${provider} · ${meter.account}` : provider;
  return html`
    <${Card} title=${title} actions=${html`<span class="hint">${t.usage.asOf}${' '}<${TimeAgo} at=${meter.at} /></span>`}>
      <ul class="usage-windows">
        ${meter.windows.map((window) => html`<${WindowMeter} key=${window.id} window=${window} />`)}
      </ul>
      <//>
  `;
}

function WindowMeter({ window }: { window: LimitWindow }) {
  const name = windowName(window);
  const percent = window.percent === null ? null : Math.round(window.percent);
  const used = window.isReached ? t.usage.reached : percent === null ? t.usage.unknown : t.usage.percent(percent);
  const width = `${Math.min(100, window.isReached ? 100 : percent ?? 0)}%`;
  return html`
    <li>
      <span class="row">
        <span class="grow">${name}</span>
        <span>${used}</span>
      </span>
      <span class=${`usage-meter ${toneOf(window)}`} aria-hidden="true"><span style=${{ width }}></span></span>
      ${window.resetsAt !== null && html`<span class="hint">${t.usage.resets(resetTime(window.resetsAt))}</span>`}
    </li>
  `;
}

function toneOf({ percent, isReached }: LimitWindow): string {
  if (isReached || (percent ?? 0) >= BAD_FROM) return 'bad';
  return (percent ?? 0) >= WARN_FROM ? 'warn' : 'good';
}

/** By its length where that is told, with what the CLI calls a further one of the same length. */
export function windowName({ id, minutes }: Pick<LimitWindow, 'id' | 'minutes'>): string {
  const extra = /^(?:five_hour|seven_day)_(.+)$/.exec(id)?.[1] ?? /^(.+) (?:primary|secondary)$/.exec(id)?.[1];
  if (minutes === null) return id.replaceAll('_', ' ');
  const length = minutes % 1440 === 0
    ? t.usage.dayWindow(minutes / 1440)
    : t.usage.hourWindow(Math.round(minutes / 60));
  return extra ? `${length} (${extra.replaceAll('_', ' ')})` : length;
}
