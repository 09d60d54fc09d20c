/** GET /api/search: full-text search over all conversations. */
import { MAX_HITS, parseSearch, SEARCH_DEFAULT } from '../../core/api/search.ts';
import { ValidationError } from '../../core/api/schema.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Search } from '../search/search.ts';
import { queryInteger } from './request.ts';

export function searchRoutes(router: Router, search: Pick<Search, 'search'>): void {
  router.get('/api/search', async (_req, res, { query }) => {
    const terms = parseSearch(query.get('q') ?? '');
    const limit = queryInteger(query, 'limit') ?? SEARCH_DEFAULT;
    if (limit < 1 || limit > MAX_HITS) throw new ValidationError(`"limit" must be from 1 to ${MAX_HITS}.`);
    json(res, 200, await search.search({ terms, limit, cursor: query.get('cursor') }));
  });
}
