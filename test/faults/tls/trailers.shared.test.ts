/** test/relay/trailers.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../relay/trailers.test.ts');
