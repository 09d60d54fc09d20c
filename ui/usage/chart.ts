import { html } from '../html.ts';
import { count, money } from '../format.ts';
import { t } from '../i18n/all.ts';
import { locale } from '../i18n/t.ts';
import type { Sum } from './sums.ts';

export type Measure = 'cost' | 'tokens';

const WIDTH = 600;
const HEIGHT = 140;
const GAP = 0.25;

export const valueOf = (sum: Sum, measure: Measure): number => (measure === 'cost' ? sum.costUsd ?? 0 : sum.tokens);

export const valueText = (sum: Sum, measure: Measure): string =>
  measure === 'cost' ? money(sum.costUsd) || '–' : t.usage.tokens(count(sum.tokens));

/** The date as people write it. @param day `2026-11-30` */
export const dayText = (day: string): string =>
  new Date(`${day}T12:00:00`).toLocaleDateString(locale, { month: 'short', day: 'numeric' });

/** One bar a day. Who cannot see it has the table below, which says the same. */
export function DayChart({ days, measure }: { days: Sum[]; measure: Measure }) {
  const most = Math.max(...days.map((day) => valueOf(day, measure)));
  const top = days.find((day) => valueOf(day, measure) === most);
  const summary = most > 0 && top ? t.usage.chartText(dayText(top.key), valueText(top, measure)) : t.usage.chartNothing;
  const first = days[0]!;
  const last = days[days.length - 1]!;
  return html`
    <figure class="usage-chart">
      <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${summary}>
        ${days.map((day, i) =>
          html`<${Bar} key=${day.key} day=${day} at=${i} of=${days.length} most=${most} measure=${measure} />`
        )}
      </svg>
      <figcaption class="row hint">
        <span>${dayText(first.key)}</span>
        <span class="grow">${summary}</span>
        <span>${dayText(last.key)}</span>
      </figcaption>
    </figure>
  `;
}

interface BarProps {
  day: Sum;
  at: number;
  of: number;
  most: number;
  measure: Measure;
}

function Bar({ day, at, of, most, measure }: BarProps) {
  const value = valueOf(day, measure);
  const step = WIDTH / of;
  // A day with little use is still a day with use.
  const height = value > 0 ? Math.max(2, (value / most) * HEIGHT) : 0;
  return html`
    <rect
      x=${(at + GAP / 2) * step}
      y=${HEIGHT - height}
      width=${step * (1 - GAP)}
      height=${height}
    >
      <title>${`${dayText(day.key)}: ${valueText(day, measure)}`}</title>
    </rect>
  `;
}

/** The chart's numbers, as text. */
export function DayTable({ days }: { days: Sum[] }) {
  const used = days.filter((day) => day.tokens || day.costUsd || day.turns).reverse();
  return html`
    <details>
      <summary>${t.usage.asTable}</summary>
      <table class="usage-table">
        <thead>
          <tr>
            <th scope="col">${t.usage.day}</th>
            <th scope="col">${t.usage.cost}</th>
            <th scope="col">${t.usage.tokenColumn}</th>
          </tr>
        </thead>
        <tbody>
          ${used.map((day) =>
            html`
              <tr key=${day.key}>
                <th scope="row">${dayText(day.key)}</th>
                <td>${money(day.costUsd) || '–'}</td>
                <td>${count(day.tokens)}</td>
              </tr>
            `
          )}
        </tbody>
      </table>
    </details>
  `;
}
