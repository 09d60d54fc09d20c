/**
 * The part of a service worker's global scope that we use. The compiler's own library for workers cannot stand beside that of
 * pages, so what is used is described here; tests give their own.
 */

export interface ShownNotification {
  readonly tag: string;
  readonly data: unknown;
  close(): void;
}

export interface NotificationAction {
  action: string;
  title: string;
}

export interface ShowOptions {
  body: string;
  tag: string;
  icon?: string;
  badge?: string;
  silent?: boolean;
  renotify?: boolean;
  requireInteraction?: boolean;
  timestamp?: number;
  actions?: NotificationAction[];
  data?: unknown;
}

export interface WindowClient {
  readonly url: string;
  readonly visibilityState: 'visible' | 'hidden';
  focus(): Promise<WindowClient>;
  postMessage(message: unknown): void;
}

export interface WorkerScope {
  readonly location: { origin: string };
  readonly registration: {
    showNotification(title: string, options: ShowOptions): Promise<void>;
    getNotifications(filter?: { tag?: string }): Promise<ShownNotification[]>;
    /** Chromium only: called back when there is a network again, also without a page. */
    readonly sync?: { register(tag: string): Promise<void> };
  };
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<WindowClient[]>;
    openWindow(url: string): Promise<WindowClient | null>;
    claim(): Promise<void>;
  };
  /** The browser's languages; the number on the app's icon, where there is such a thing. */
  readonly navigator?: { readonly languages?: readonly string[]; setAppBadge?(count: number): Promise<void> };
  fetch: typeof fetch;
  skipWaiting(): Promise<void>;
}

/** An event that keeps the worker alive until the promise settles. */
export interface WaitEvent {
  waitUntil(promise: Promise<unknown>): void;
}
export interface PushEvent extends WaitEvent {
  readonly data: { json(): unknown } | null;
}
export interface ClickEvent extends WaitEvent {
  /** '' when the notification itself was tapped. */
  readonly action: string;
  readonly notification: ShownNotification;
}
export interface FetchEvent extends WaitEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
