/** A fork as a create command: the same folder, program and settings, and a copy of the conversation up to a message. */
import { cut } from '../../core/api/cut.ts';
import { Failure } from '../../core/api/errors.ts';
import type { ForkBody } from '../../core/api/fork.ts';
import { providerData } from '../../core/api/providers.ts';
import { copyConversation } from './conversation-copy.ts';
import type { CreateCommand } from './creation.ts';
import type { AgentSession } from './session.ts';

/** Throws Failure: the CLI cannot, or has no id for the place. */
export function forkCommand(
  session: AgentSession,
  { messageId, clientId }: ForkBody,
  names: readonly string[],
): CreateCommand {
  const { info } = session;
  if (!providerData(info.provider).features.fork) {
    throw new Failure('no_fork_point', 'This agent program cannot go on with a copy of a conversation.');
  }
  const { point, copy } = copyConversation(session, messageId);
  const { adminEmail, whatsappPhone, slackWebhookUrl } = info;
  const isBypass = info.mode === 'bypassPermissions';
  return {
    ...{ directory: info.directory, provider: info.provider, name: freeName(info.name, names) },
    ...{ adminEmail, whatsappPhone, slackWebhookUrl, copy },
    ...(clientId ? { clientId } : {}),
    flags: {
      ...info.flags,
      ...(info.model ? { model: info.model } : {}),
      ...(info.effort ? { effort: info.effort } : {}),
      dangerouslySkipPermissions: isBypass,
      permissionMode: info.mode,
      worktree: info.worktree !== null,
      resume: point.session,
      forkSession: true,
      resumeAt: point.id,
    },
  };
}

const MAX_NAME = 190;

/** "Fix the tests" is followed by "Fix the tests (2)". */
function freeName(name: string, names: readonly string[]): string {
  const plain = cut(name.replace(/ \(\d+\)$/, ''), MAX_NAME);
  for (let n = 2;; n++) {
    const found = `${plain} (${n})`;
    if (!names.includes(found)) return found;
  }
}
