/** test/relay/oversized.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../relay/oversized.test.ts');
