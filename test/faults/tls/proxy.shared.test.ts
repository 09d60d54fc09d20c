/** test/relay/proxy.test.ts over TLS. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../../relay/proxy.test.ts');
