import { html, useEffect, useRef, useState } from '../html.ts';
import { useSignalValue } from '../state/signal.ts';
import { ApiError } from '../net/api.ts';
import { Button, Field, IconButton, now, span } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/t.ts';
import { useApp } from '../app.ts';
import { Mark } from '../components/brand.ts';
import type { AuthCheck } from '../../core/api/auth.ts';
import { useResource } from '../hooks/use-resource.ts';
import { hasPasskeys, logInByPasskey } from '../net/passkey.ts';

/** Without a Retry-After of the relay, s. */
const DEFAULT_PAUSE = 60;

/** The login page: one password, and every way it can fail in words. */
export default function Login() {
  const input = useRef<HTMLInputElement>(null);
  const [password, setPassword] = useState('');
  const { busy, blockedMs, error, submit, passkey } = useLogin(password, input);
  const canUsePasskey = useHasPasskey();
  useEffect(() => {
    document.title = `${t.login.submit} · ${t.product}`;
    input.current?.focus();
  }, []);
  const isInsecure = location.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(location.hostname);
  return html`
    <main class="center-page">
      <form class="login" onSubmit=${submit}>
        <div class="row">
          <${Mark} />
          <div>
            <h1>${t.product}</h1>
          </div>
        </div>
        ${isInsecure && html`<${Note} tone="warn">${t.login.insecure}<//>`}
        <input type="text" name="username" value="agent-monitor" autocomplete="username" hidden readonly />
        <${PasswordField} input=${input} value=${password} error=${error} onInput=${setPassword} />
        <${Button} type="submit" tone="primary" busy=${busy} disabled=${blockedMs > 0}>
          ${busy ? t.login.checking : t.login.submit}
        <//>
        ${canUsePasskey && html`<${Button} icon="lock" onClick=${passkey}>${t.login.passkey}<//>`}
      </form>
    </main>
  `;
}

/** Whether this server knows a passkey that this browser may have. */
function useHasPasskey(): boolean {
  const { api } = useApp();
  const { value } = useResource(() => api.get<Partial<AuthCheck>>('/api/auth/check'), []);
  return value?.passkeys === true && hasPasskeys();
}

/** Signing in, and what came of it. */
function useLogin(password: string, input: { current: HTMLInputElement | null }) {
  const { api, auth } = useApp();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [blockedUntil, setBlockedUntil] = useState(0);
  const blockedMs = useSignalValue(now, (time) => Math.max(0, blockedUntil - time));
  function fail(text: string) {
    setError(text);
    input.current?.select();
  }
  async function submit(event: Event) {
    event.preventDefault();
    if (busy || blockedMs > 0) return;
    if (!password) return fail(t.login.empty);
    setBusy(true);
    setError('');
    try {
      await api.post('/api/auth/login', { password });
      await auth.loggedIn();
    } catch (refused) {
      setBusy(false);
      const isThrottled = refused instanceof ApiError && refused.status === 429;
      if (isThrottled) setBlockedUntil(Date.now() + 1000 * (refused.retryAfter || DEFAULT_PAUSE));
      else fail(sentence(refused));
    }
  }
  const passkey = () =>
    void logInByPasskey(api).then(auth.loggedIn).catch((refused) =>
      setError(refused instanceof ApiError ? refused.message : String((refused as Error).message))
    );
  return { busy, blockedMs, submit, passkey, error: blockedMs > 0 ? t.login.throttled(span(blockedMs + 999)) : error };
}

function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return t.common.failed;
  if (error.status === 401) return t.login.wrong;
  if (error.code === 'offline' || error.code === 'timeout') return t.login.unreachable;
  return error.message;
}

interface PasswordProps {
  input: { current: HTMLInputElement | null };
  value: string;
  error: string;
  onInput: (value: string) => void;
}

function PasswordField({ input, value, error, onInput }: PasswordProps) {
  const [shown, setShown] = useState(false);
  const toggleLabel = shown ? t.login.hide : t.login.show;
  const control = (tie: object) =>
    html`
      <div class="password">
        <input
          ref=${input}
          class="input"
          type=${shown ? 'text' : 'password'}
          name="password"
          autocomplete="current-password"
          value=${value}
          onInput=${(event: Event) => onInput((event.target as HTMLInputElement).value)}
          ...${tie}
        />
        <${IconButton} icon="eye" label=${toggleLabel} aria-pressed=${shown} onClick=${() => setShown(!shown)} />
      </div>
    `;
  return html`<${Field} label=${t.login.password} hint=${t.login.hint} error=${error}>${control}<//>`;
}
