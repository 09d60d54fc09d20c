/** test/faults/login-attack.test.ts over TLS. Alone: it holds times against bounds. */
import { useTransport } from '../../support/network/transport.ts';

useTransport('TLS');
await import('../login-attack.test.ts');
