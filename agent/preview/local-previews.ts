/**
 * Previews on the machine's own address: `p<port>-<random>.localhost`, which browsers take for this machine, and for another
 * site than localhost. Only for a server that listens on the loopback addresses: elsewhere no such name leads to it.
 */
import { Failure } from '../../core/api/errors.ts';
import { parseEnterPreview, type PreviewEntrance } from '../../core/api/previews.ts';
import { steadyClock } from '../../core/clock.ts';
import { ownOrigin } from '../../core/auth/origin.ts';
import { readJson } from '../../core/http/body.ts';
import { createClientOf } from '../../core/http/client-address.ts';
import { fail, json } from '../../core/http/reply.ts';
import type { Handler, HttpRequest, HttpResponse } from '../../core/http/types.ts';
import { labelOf, LOCAL_DOMAIN, portSuffix } from '../../core/preview/address.ts';
import { Entrances } from '../../core/preview/entrances.ts';
import { enterPath, PreviewEntry } from '../../core/preview/entry.ts';
import { previewAnswer } from '../../core/preview/fields.ts';
import type { AgentContext } from '../context.ts';
import type { Previews } from './previews.ts';

const ENTER = '/api/previews/enter';
/** Bytes of the body of ENTER. */
const MAX_BODY = 1024;

/** Serves previews and the way into them; everything else is `next`'s. */
export function serveLocalPreviews(context: AgentContext, previews: Previews, next: Handler): Handler {
  const { config, log } = context;
  // HOST opens the server to other machines.
  const isOpen = config.host !== '';
  const clock = steadyClock(context.clock);
  const entrances = new Entrances(clock, () => {});
  const clientOf = createClientOf([], false);
  const onEnter = ({ port }: { port: number }) => log.info('preview entered', { port });
  const entry = new PreviewEntry({ entrances, clientOf, now: () => clock.now(), onEnter });
  const serve = async (req: HttpRequest, res: HttpResponse) => {
    const entrance = entry.admit(req, res, labelOf(req.headers.host, LOCAL_DOMAIN));
    if (entrance) await previews.forward(entrance.preview, req.url, req, res, previewAnswer);
  };
  const enter = async (req: HttpRequest, res: HttpResponse) => {
    if (req.method !== 'POST') throw new Failure('method_not_allowed', 'Use POST here.');
    const origin = ownOrigin(req, false);
    if (isOpen || !origin) {
      throw new Failure(
        'no_preview_origin',
        'Previews have no address of their own here: open the dashboard at a relay, or without HOST on the machine itself.',
      );
    }
    const { preview, port } = parseEnterPreview(await readJson(req, MAX_BODY));
    const { entrance, ticket } = entrances.create({ machine: '', preview, port, session: '' });
    const url = `http://${entrance.label}.${LOCAL_DOMAIN}${portSuffix(origin)}${enterPath(ticket)}`;
    json(res, 200, { url } satisfies PreviewEntrance);
  };
  const answering = (handler: (req: HttpRequest, res: HttpResponse) => Promise<void>): Handler => (req, res) =>
    handler(req, res).catch((error: unknown) =>
      fail(res, error, (cause) => log.error('request failed', { error: String(cause) }))
    );
  const [serving, entering] = [answering(serve), answering(enter)];
  return (req, res) => {
    if (!isOpen && labelOf(req.headers.host, LOCAL_DOMAIN) !== null) return serving(req, res);
    return req.url === ENTER ? entering(req, res) : next(req, res);
  };
}
