/** GET /api/usage: limits of accounts, tokens and money by day. */
import { DAYS_DEFAULT, MAX_DAYS } from '../../core/api/usage.ts';
import { ValidationError } from '../../core/api/schema.ts';
import { json } from '../../core/http/reply.ts';
import type { Router } from '../../core/http/router.ts';
import type { Usage } from '../usage/usage.ts';
import { queryInteger } from './request.ts';

export function usageRoutes(router: Router, usage: Pick<Usage, 'report'>): void {
  router.get('/api/usage', (_req, res, { query }) => {
    const days = queryInteger(query, 'days') ?? DAYS_DEFAULT;
    if (days < 1 || days > MAX_DAYS) throw new ValidationError(`"days" must be from 1 to ${MAX_DAYS}.`, 'days');
    json(res, 200, usage.report(days));
  });
}
