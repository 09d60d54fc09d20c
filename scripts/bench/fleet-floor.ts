/**
 * The least that so many connections can cost on this computer: a server that sends back what comes, without WebSocket, cipher
 * or tunnel. Prints its port. `fleet-machines.ts --floor PORT` connects to it as often as to the relay.
 */
import { type AddressInfo, createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(`floor at ${(server.address() as AddressInfo).port}`));
