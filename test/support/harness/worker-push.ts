/** Chromium's own way to hand a service worker a message, and to press a notification's button. */
import type { Page, Worker } from 'playwright-core';
import { until } from './product.ts';

export interface ShownNotification {
  title: string;
  body: string;
  tag: string;
  actions: string[];
}

export interface WorkerPush {
  /** Runs the worker's `push` handler. */
  deliver(payload: unknown): Promise<void>;
  shown(): Promise<ShownNotification[]>;
  /** @param action '' taps the notification itself */
  tap(tag: string, action: string): Promise<void>;
}

/** The page must be one of the dashboard whose worker is registered. @param origin of the dashboard */
export async function openWorkerPush(page: Page, origin: string): Promise<WorkerPush> {
  const context = page.context();
  await context.grantPermissions(['notifications'], { origin });
  const cdp = await context.newCDPSession(page);
  let registrationId = '';
  cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    registrationId = registrations.find(({ isDeleted }) => !isDeleted)?.registrationId ?? registrationId;
  });
  await cdp.send('ServiceWorker.enable');
  await page.evaluate(async () => void await navigator.serviceWorker.ready);
  const worker: Worker = await until('the worker', () => context.serviceWorkers()[0] ?? null);
  await until('its registration', () => registrationId || null);
  return {
    deliver: async (payload) =>
      void await cdp.send('ServiceWorker.deliverPushMessage', {
        origin,
        registrationId,
        data: JSON.stringify(payload),
      }),
    shown: () =>
      worker.evaluate(async () => {
        const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration };
        return (await registration.getNotifications()).map((notification) => {
          const { title, body, tag, actions = [] } = notification as Notification & { actions?: { action: string }[] };
          return { title, body, tag, actions: actions.map(({ action }) => action) };
        });
      }),
    tap: (tag, action) =>
      worker.evaluate(async ([tag, action]) => {
        const scope = globalThis as unknown as {
          registration: ServiceWorkerRegistration;
          NotificationEvent: new (type: string, init: object) => Event;
          dispatchEvent(event: Event): void;
        };
        const [notification] = await scope.registration.getNotifications({ tag: tag! });
        scope.dispatchEvent(new scope.NotificationEvent('notificationclick', { notification, action }));
      }, [tag, action]),
  };
}
