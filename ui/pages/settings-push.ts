import { html, useEffect, useState } from '../html.ts';
import { useApp } from '../app.ts';
import type { SubscriptionInfo } from '../../core/api/push.ts';
import { Button, Card, Skeleton, TimeAgo, toast, toastError, Toggle } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { useResource } from '../hooks/use-resource.ts';
import type { DevicePush, PushChoice } from '../net/device-push.ts';
import { useSignalValue } from '../state/signal.ts';
import { readLastPush } from '../worker/last-push.ts';
import { openStore } from '../worker/storage.ts';

/** Whether this device is told when an agent needs somebody, and why not if not. */
export function PushCard() {
  const { value: push } = useResource(useApp().push, []);
  return html`
    <${Card} title=${t.push.title}>
      ${push ? html`<${PushContent} push=${push} />` : html`<${Skeleton} lines=${2} />`}
      <//>
  `;
}

function PushContent({ push }: { push: DevicePush }) {
  const state = useSignalValue(push.state);
  useEffect(() => void push.refresh().catch(toastError), []);
  switch (state.kind) {
    case 'loading':
      return html`<${Skeleton} lines=${2} />`;
    case 'blocked':
      return html`<${Note}>${t.push.blocked[state.why]}<//>`;
    case 'off':
      return html`<${TurnOn} push=${push} />`;
    case 'on':
      return html`<${TurnedOn} push=${push} subscription=${state.subscription} />`;
  }
}

/** Runs an action of the card; one at a time, failures are said. */
function useAction(): [boolean, (action: () => Promise<void>) => void] {
  const [busy, setBusy] = useState(false);
  const run = (action: () => Promise<void>) => {
    setBusy(true);
    action().catch(toastError).finally(() => setBusy(false));
  };
  return [busy, run];
}

function TurnOn({ push }: { push: DevicePush }) {
  const [busy, run] = useAction();
  return html`
    <p class="soft">${t.push.text}</p>
    <${Button} tone="primary" icon="bell" busy=${busy} onClick=${() => run(() => push.turnOn())}>
      ${t.push.turnOn}
    <//>
  `;
}

function TurnedOn({ push, subscription }: { push: DevicePush; subscription: SubscriptionInfo }) {
  const [busy, run] = useAction();
  const { hideDetails, requestsOnly } = subscription;
  const set = (part: Partial<PushChoice>) => run(() => push.set({ hideDetails, requestsOnly, ...part }));
  const test = () =>
    run(async () => {
      const { serviceMs, allMs } = await push.test();
      toast(allMs === null ? t.push.notBack(serviceMs) : t.push.tested(serviceMs, allMs));
    });
  const onlyRequests = (on: boolean) => set({ requestsOnly: on });
  const hide = (on: boolean) => set({ hideDetails: on });
  const p = t.push;
  return html`
    <${Toggle} label=${p.requestsOnly} hint=${p.requestsOnlyHint} checked=${requestsOnly} onChange=${onlyRequests} />
    <${Toggle} label=${p.hide} hint=${p.hideHint} checked=${hideDetails} onChange=${hide} />
    <${Last} subscription=${subscription} />
    <div class="row">
      <${Button} icon="bell" busy=${busy} onClick=${test}>${p.test}<//>
      <${Button} busy=${busy} onClick=${() => run(() => push.turnOff())}>${p.turnOff}<//>
    </div>
  `;
}

/** What became of the last message, and when this device got one. */
function Last({ subscription: { deliveredAt, failedAt, error, service } }: { subscription: SubscriptionInfo }) {
  const [cameAt, setCameAt] = useState<number | null>(null);
  useEffect(() => void readLastPush(openStore()).then((last) => setCameAt(last?.at ?? null), () => {}), [deliveredAt]);
  if (error) {
    return html`<p class="field-error">${t.push.lastFailed} <${TimeAgo} at=${failedAt ?? 0} />: ${error}</p>`;
  }
  const came = cameAt !== null && html`<span> · ${t.push.lastCame} <${TimeAgo} at=${cameAt} /></span>`;
  if (deliveredAt === null) return html`<p class="hint">${service}${came}</p>`;
  return html`<p class="hint">${t.push.lastDelivered} <${TimeAgo} at=${deliveredAt} /> · ${service}${came}</p>`;
}
