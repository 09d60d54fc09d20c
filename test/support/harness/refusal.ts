import type { Failure } from '../../../core/api/errors.ts';

/** The Failure that an action is refused with. Throws when it is done instead. */
export async function refusal(action: Promise<unknown>): Promise<Failure> {
  try {
    await action;
  } catch (error) {
    return error as Failure;
  }
  throw new Error('it was not refused');
}
