/** /api/hooks: what the CLI's hooks pass on; /api/settings/hooks: whether they are in the user's settings. */
import type { Clock } from '../../core/clock.ts';
import { Failure } from '../../core/api/errors.ts';
import { MAX_HOOK_BODY, parseHook } from '../../core/api/hooks.ts';
import { json } from '../../core/http/reply.ts';
import type { RouteHandler, Router } from '../../core/http/router.ts';
import type { HttpRequest, HttpResponse } from '../../core/http/types.ts';
import type { LocalToken } from '../access/local-token.ts';
import { HOOKS_PATH } from '../access/local-token.ts';
import type { Handoff } from '../handoff/handoff.ts';
import type { HookInstallation } from '../hooks/installation.ts';
import type { HookReply } from '../hooks/open-requests.ts';
import { checkStepUp } from './relay-word.ts';
import { readBody } from './request.ts';

/** How often a hook that waits is sent a blank, ms: only a write shows that nobody is there to read it. */
const BEAT_MS = 1000;

export interface HookParts {
  handoff: Handoff;
  token: LocalToken;
  clock: Clock;
  /** null: the CLI has no hooks. */
  installation: HookInstallation | null;
}

export function hookRoutes(router: Router, parts: HookParts): void {
  const { handoff, token } = parts;
  router.post(HOOKS_PATH, waitForAnswer(parts));
  router.post(`${HOOKS_PATH}/:id/taken`, (req, res, { params }) => {
    token.check(req);
    handoff.requests.taken(params.id!);
    json(res, 200, { ok: true });
  });
  router.get('/api/settings/hooks', async (_req, res) => json(res, 200, await installed(parts).status()));
  router.put('/api/settings/hooks', async (req, res) => {
    checkStepUp(req);
    json(res, 200, await installed(parts).install());
  });
  router.delete('/api/settings/hooks', async (req, res) => {
    checkStepUp(req);
    json(res, 200, await installed(parts).remove());
  });
}

function installed({ installation }: HookParts): HookInstallation {
  if (installation) return installation;
  throw new Failure('not_found', 'There are no hooks here.');
}

/** The reply's body is a HookReply behind blanks; it comes when somebody has answered. */
function waitForAnswer({ handoff: { calls }, token, clock }: HookParts): RouteHandler {
  return async (req: HttpRequest, res: HttpResponse) => {
    token.check(req);
    const body = await readBody(req, parseHook, MAX_HOOK_BODY);
    if (!calls) throw new Failure('not_found', 'There are no hooks here.');
    let isOver = false;
    let end = () => {};
    const close = () => {
      isOver = true;
      clock.clearTimeout(timer);
      end();
    };
    const begin = () => {
      if (!res.headersSent) res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    };
    const reply = (answer: HookReply) => {
      if (isOver) return;
      clock.clearTimeout(timer);
      begin();
      res.end(JSON.stringify(answer));
    };
    const beat = () => {
      begin();
      res.write(' ');
      timer = clock.setTimeout(beat, BEAT_MS);
    };
    let timer = null as ReturnType<Clock['setTimeout']> | null;
    res.once('close', close);
    end = await calls.call(body, reply);
    if (isOver) return end(); // it left meanwhile
    if (!res.writableEnded) beat();
  };
}
