/** The address of a Unix socket that may lie deep: a path of one holds 107 bytes, macOS 103 (sockaddr_un, unix(7)). */
import { Buffer } from 'node:buffer';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';

const MAX_PATH = 100;

export interface SocketPath {
  path: string;
  /** To be called once the connection stands or has failed; a second call does nothing. */
  close(): void;
}

/** The path under which a socket can be reached: on Linux by way of its directory's descriptor, when its own is too long. */
export function socketPath(directory: string, name: string): SocketPath {
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= MAX_PATH || !existsSync('/proc/self/fd')) return { path, close() {} };
  const descriptor = openSync(directory, 'r');
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return { path: `/proc/self/fd/${descriptor}/${name}`, close };
}
