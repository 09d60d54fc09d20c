/** test/relay/hostile-machine.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../relay/hostile-machine.test.ts');
