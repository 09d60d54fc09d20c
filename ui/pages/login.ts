import { html, useEffect, useRef, useState } from '../html.ts';
import { useCell } from '../cell.ts';
import { ApiError } from '../api.ts';
import { Button, Field, Icon, IconButton, now, span } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { api, signedIn } from '../services.ts';
import { Mark } from '../shell/nav.ts';

/** The login page: one password, and every way it can fail in words. */
export function Login() {
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const [blockedUntil, setBlockedUntil] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const left = useCell(now, (time) => Math.max(0, blockedUntil - time));
  useEffect(() => input.current?.focus(), []);

  async function submit(event: Event) {
    event.preventDefault();
    if (busy || left > 0) return;
    if (!password) return fail(t.login.empty);
    setBusy(true);
    setError('');
    try {
      await api.post('/api/auth/login', { password });
      signedIn();
    } catch (refused) {
      setBusy(false);
      if (refused instanceof ApiError && refused.status === 429) {
        setBlockedUntil(Date.now() + 1000 * (refused.retryAfter || 60));
      } else fail(sentence(refused));
    }
  }

  function fail(text: string) {
    setError(text);
    input.current?.select();
  }

  const shownError = left > 0 ? t.login.throttled(span(left + 999)) : error;
  const insecure = location.protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(location.hostname);
  return html`
    <div class="center-page">
      <form class="login" onSubmit=${submit}>
        <div class="row"><${Mark} /><div><h1>${t.product}</h1></div></div>
        ${insecure &&
          html`<p class="note warn"><${Icon} name="warning" size=${18} /><span>${t.login.insecure}</span></p>`}
        <input type="text" name="username" value="agent-monitor" autocomplete="username" hidden readonly />
        <${Field} label=${t.login.password} hint=${t.login.hint} error=${shownError}>
          ${(tie: object) =>
            html`
              <div class="password">
                <input ref=${input} class="input" type=${shown
                  ? 'text'
                  : 'password'} name="password" autocomplete="current-password"
                  value=${password} onInput=${(e: Event) =>
                    setPassword((e.target as HTMLInputElement).value)} ...${tie} />
                <${IconButton} icon="eye" label=${shown
                  ? t.login.hide
                  : t.login.show} aria-pressed=${shown} onClick=${() => setShown(!shown)} />
              </div>
            `}
        <//>
        <${Button} type="submit" tone="primary" busy=${busy} disabled=${left > 0}>${busy
          ? t.login.checking
          : t.login.submit}<//>
      </form></div>
  `;
}

function sentence(error: unknown): string {
  if (!(error instanceof ApiError)) return t.common.failed;
  if (error.status === 401) return t.login.wrong;
  if (error.code === 'offline' || error.code === 'timeout') return t.login.unreachable;
  return error.message;
}
