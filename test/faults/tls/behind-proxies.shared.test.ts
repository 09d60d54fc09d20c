/** test/relay/behind-proxies.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../e2e/behind-proxies.shared.test.ts');
