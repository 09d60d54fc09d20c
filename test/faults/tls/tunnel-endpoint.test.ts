/** test/e2e/relay/tunnel-endpoint.test.ts over TLS. Alone: it holds times against bounds. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../e2e/relay/tunnel-endpoint.test.ts');
