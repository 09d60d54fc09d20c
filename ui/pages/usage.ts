import { DAYS_DEFAULT, MAX_DAYS, type UsageReport } from '../../core/api/usage.ts';
import { useApp, useIsConnected } from '../app.ts';
import { Card, EmptyState, LinkButton, PageHead, Segments, Skeleton } from '../components/mod.ts';
import { LoadFailed } from '../components/load-failed.ts';
import { Note } from '../components/note.ts';
import { count, money, shortPath } from '../format.ts';
import { useResource } from '../hooks/use-resource.ts';
import { html, useEffect, useState } from '../html.ts';
import { t } from '../i18n/all.ts';
import { DayChart, DayTable, type Measure } from '../usage/chart.ts';
import { MeterCard } from '../usage/meters.ts';
import { byDay, grouped, type Grouping, isEmptySum, type Sum, total } from '../usage/sums.ts';

/** While the page is open, ms. */
const RELOAD_MS = 60_000;
const SPANS = [7, DAYS_DEFAULT, MAX_DAYS];
/** Agents, folders or models that are listed: the dearest. */
const MAX_SHOWN = 50;

/** What the agents of this machine use: limits of the accounts, tokens and money by day. */
export default function UsagePage() {
  const { api } = useApp();
  const isUp = useIsConnected();
  const [days, setDays] = useState(DAYS_DEFAULT);
  const { value, error, reload } = useResource(() => api.get<UsageReport>(`/api/usage?days=${days}`), [days]);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), RELOAD_MS);
    return () => clearInterval(timer);
  }, [reload]);
  const spans = SPANS.map((n) => ({ value: String(n), label: t.usage.days(n) }));
  return html`
    <div class="page">
      <${PageHead} title=${t.nav.usage}>
        <${Segments}
          label=${t.usage.span}
          value=${String(days)}
          options=${spans}
          onChange=${(chosen: string) => setDays(Number(chosen))}
        />
      <//>
      ${value && !isUp && html`<${Note} tone="warn">${t.usage.offline}<//>`}
      ${!value && error && html`<${LoadFailed} error=${error} reload=${reload} />`}
      ${!value && !error && html`<${Skeleton} lines=${6} />`}
      ${value && html`<${Report} report=${value} />`}
    </div>
  `;
}

function Report({ report }: { report: UsageReport }) {
  const sum = total(report);
  const meters = report.meters.filter(({ windows }) => windows.length > 0);
  if (!meters.length && (!sum || isEmptySum(sum))) {
    return html`
      <${EmptyState} icon="usage" title=${t.usage.none} text=${t.usage.noneText}>
        <${LinkButton} to="/new" tone="primary" icon="plus">${t.nav.create}<//>
      <//>
    `;
  }
  return html`
    <div class="stack">
      ${meters.map((meter) => html`<${MeterCard} key=${`${meter.provider} ${meter.account}`} meter=${meter} />`)}
      ${sum && html`<${Days} report=${report} sum=${sum} />`}
      ${sum && html`<${Groups} report=${report} />`}
    </div>
  `;
}

function Days({ report, sum }: { report: UsageReport; sum: Sum }) {
  const [chosen, setMeasure] = useState<Measure | null>(null);
  const measure = chosen ?? (sum.costUsd ? 'cost' : 'tokens');
  const days = byDay(report);
  const measures = [{ value: 'cost', label: t.usage.cost }, { value: 'tokens', label: t.usage.tokenColumn }];
  const actions = html`
    <${Segments} label=${t.usage.measure} value=${measure} options=${measures} onChange=${setMeasure} />
  `;
  const said = [money(sum.costUsd), t.usage.tokens(count(sum.tokens)), t.usage.turns(sum.turns)].filter(Boolean);
  return html`
    <${Card} title=${t.usage.perDay} actions=${actions}>
      <p class="soft">${said.join(' · ')}</p>
      <${DayChart} days=${days} measure=${measure} />
      <${DayTable} days=${days} />
      <p class="hint">${t.usage.explained}</p>
      <//>
  `;
}

function Groups({ report }: { report: UsageReport }) {
  const [grouping, setGrouping] = useState<Grouping>('agent');
  const groupings = (['agent', 'directory', 'model'] as const)
    .map((value) => ({ value, label: t.usage.groupings[value] }));
  const sums = grouped(report, grouping).slice(0, MAX_SHOWN);
  const actions = html`
    <${Segments} label=${t.usage.by} value=${grouping} options=${groupings} onChange=${setGrouping} />
  `;
  return html`
    <${Card} title=${t.usage.by} actions=${actions}>
      <ul class="usage-groups">
        ${sums.map((sum) => html`<${GroupRow} key=${sum.key} sum=${sum} grouping=${grouping} />`)}
      </ul>
      <//>
  `;
}

function GroupRow({ sum, grouping }: { sum: Sum; grouping: Grouping }) {
  const label = grouping === 'directory' ? shortPath(sum.label) : sum.label || t.usage.noModel;
  return html`
    <li>
      <span class="grow" title=${sum.label}>${label}</span>
      <span>${money(sum.costUsd)}</span>
      <span class="soft">${t.usage.tokens(count(sum.tokens))}</span>
    </li>
  `;
}
