/** test/faults/slow-clients.test.ts over TLS. Alone: it holds times against bounds. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../slow-clients.test.ts');
