/** A program for any runtime with a built-in WebSocket: sends, checks the echo, closes, says what it saw. */
export const CLIENT_PROGRAM = `
const url = TARGET;
const sizes = [0, 1, 125, 126, 65535, 65536, 300000];
const messages = sizes.flatMap((size) => ['ü'.repeat(size >> 1), new Uint8Array(size).map((_, i) => i * 7 + size)]);
const seen = { wrong: 0, count: 0 };
const socket = new WebSocket(url, ['b', 'a']);
socket.binaryType = 'arraybuffer';
const finished = new Promise((resolve) => {
  socket.onopen = () => messages.forEach((message) => socket.send(message));
  socket.onmessage = ({ data }) => {
    const sent = messages[seen.count++];
    const same = typeof data === 'string' ? data === sent
      : typeof sent !== 'string' && new Uint8Array(data).every((byte, i) => byte === sent[i]) && data.byteLength === sent.length;
    if (!same) seen.wrong++;
    if (seen.count === messages.length) socket.close(4000, 'bye');
  };
  socket.onclose = ({ code, wasClean }) => resolve(
    JSON.stringify({ ...seen, code, wasClean, protocol: socket.protocol, extensions: socket.extensions }));
});
`;

/** What a client that keeps the rules sees of a server that echoes and compresses. */
export const CLIENT_SEES = { wrong: 0, count: 14, code: 4000, wasClean: true, protocol: 'a' };
