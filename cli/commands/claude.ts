/** `agent-monitor claude …`: Claude Code, shared with the dashboard. */
import { deskCommand } from '../client/desk-program.ts';

export const command = deskCommand('claude', 'Claude Code');
