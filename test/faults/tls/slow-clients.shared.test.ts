/** test/faults/slow-clients.shared.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../slow-clients.shared.test.ts');
