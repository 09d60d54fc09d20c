/**
 * What the relay says of a request that it let in. Its fields begin with X-Relay-, which it removes from what browsers send;
 * of a local request they are the client's own and say nothing.
 */
import type { AgentFlags } from '../../core/api/agents.ts';
import { Failure } from '../../core/api/errors.ts';
import type { DecisionBody } from '../../core/api/messages.ts';
import { list, parseField, text } from '../../core/api/schema.ts';
import type { HttpRequest } from '../../core/http/types.ts';

const MAX_ID = 100;
const MAX_DEVICES = 1000;

function fieldOf(req: HttpRequest, name: string): string | null {
  const value = req.transport === 'tunnel' ? req.headers[name] : undefined;
  return typeof value === 'string' && value.length <= MAX_ID ? value : null;
}

/** The device that asks, if its login belongs to a key; null: not known. */
export const relayDevice = (req: HttpRequest): string | null => fieldOf(req, 'x-relay-device');

/** The preview that a request is for; null: none, or the relay did not say so. */
export const relayPreview = (req: HttpRequest): string | null => fieldOf(req, 'x-relay-preview');

/** Throws Failure `step_up_required` when the relay asks for a confirmation and the session has none. */
export function checkStepUp(req: HttpRequest): void {
  if (fieldOf(req, 'x-relay-step-up') === 'needed') {
    throw new Failure('step_up_required', 'Confirm this with your passkey first.');
  }
}

/** Whether an agent with these flags asks for nothing. */
export const isBypass = (flags: AgentFlags | undefined): boolean =>
  flags?.dangerouslySkipPermissions === true || flags?.permissionMode === 'bypassPermissions';

const ONCE = new Set(['allow', 'deny', 'cancel', 'answer']);
/** Whether a decision lets through more than what was asked: a rule, the session, or a mode that asks for nothing. */
export const isLasting = ({ decision, mode }: DecisionBody): boolean =>
  !ONCE.has(decision) || mode === 'bypassPermissions';

/** Throws Failure `not_found` unless the relay itself asks, for nobody else may know of this route. */
export function checkIsRelay(req: HttpRequest, event: string): void {
  if (fieldOf(req, 'x-relay-event') !== event) throw new Failure('not_found', 'There is nothing at this address.');
}

/** Body of PUT /api/relay/devices: every device that is signed in. */
export const parseDevices = (value: unknown): string[] =>
  parseField(value, 'devices', list(text(MAX_ID, true), MAX_DEVICES));
