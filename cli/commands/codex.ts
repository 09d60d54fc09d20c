/** `agent-monitor codex …`: Codex, shared with the dashboard. */
import { deskCommand } from '../client/desk-program.ts';

export const command = deskCommand('codex', 'Codex');
