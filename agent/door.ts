/** The door of the local server: the guard, and a login when HOST opens the server to other machines. */
import { Gate, PUBLIC_ROUTES } from '../core/auth/gate.ts';
import { hashPassword } from '../core/auth/password.ts';
import { Sessions } from '../core/auth/sessions.ts';
import type { Clock } from '../core/clock.ts';
import { createClientOf } from '../core/http/client.ts';
import { fail, HttpError } from '../core/http/reply.ts';
import { Router } from '../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { Log } from '../core/log.ts';
import type { Config } from './config.ts';
import { guardLocal } from './guard.ts';

export interface Door {
  /** Answers the request if it must not come in, or if it is about the login itself. */
  serves(req: HttpRequest, res: HttpResponse): boolean;
  close(): void;
}

export async function createDoor(config: Config, { clock, log }: { clock: Clock; log: Log }): Promise<Door> {
  const isOpen = config.host !== '';
  const sessions = new Sessions(clock);
  const clientOf = createClientOf([], false);
  const gate = new Gate({
    password: isOpen ? await hashPassword(config.dashboardPassword) : null,
    sessions,
    clientOf,
    clock,
    audit: (event, fields) => log.info(event, fields as Record<string, string>),
  });
  const router = new Router();
  gate.addRoutes(router);
  /** Responses of each session: logging out ends them, open sockets too. */
  const served = new Map<string, Set<HttpResponse>>();
  sessions.onEnd(({ id }) => {
    for (const res of served.get(id) ?? []) res.destroy();
    served.delete(id);
  });

  const mayEnter = (req: HttpRequest, res: HttpResponse): void => {
    const path = req.url.split('?')[0]!;
    const isPublic = !path.startsWith('/api') || PUBLIC_ROUTES.includes(`${req.method} ${path}`);
    if (isPublic || !gate.loginRequired) return;
    const session = gate.session(req, clientOf(req));
    if (!session) throw new HttpError(401, 'login_required', 'Log in first.');
    const responses = served.get(session.id) ?? new Set();
    served.set(session.id, responses.add(res));
    res.once('close', () => responses.delete(res));
  };

  return {
    serves(req, res) {
      if (req.wire !== 'local') return false;
      try {
        guardLocal(req, { open: isOpen });
        mayEnter(req, res);
      } catch (error) {
        fail(res, error, (unexpected) => log.error('the door failed', { error: String(unexpected) }));
        return true;
      }
      if (!req.url.startsWith('/api/auth/')) return false;
      void router.handle(req, res);
      return true;
    },
    close: () => sessions.close(),
  };
}
