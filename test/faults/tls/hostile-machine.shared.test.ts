/** test/e2e/relay/hostile-machine.shared.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../e2e/relay/hostile-machine.shared.test.ts');
