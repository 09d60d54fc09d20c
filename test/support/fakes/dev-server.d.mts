import type { Server } from 'node:http';
export function createDevServer(): Server;
