/** Logs all the time, also what went wrong with logging, and ends by itself with code 7. */
import process from 'node:process';
import { createLog, outliveOutput } from '../../../core/log.ts';

outliveOutput();
const log = createLog();
process.on('uncaughtException', (error) => log.error(error.message));
setInterval(() => {
  log.info('x');
  log.warn('y');
}, 5);
setTimeout(() => process.exit(7), 1000);
