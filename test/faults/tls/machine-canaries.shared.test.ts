/** test/e2e/relay/machine-canaries.shared.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../e2e/relay/machine-canaries.shared.test.ts');
