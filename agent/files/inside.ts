/** Which part of an agent's folder its files' routes reach: all of it but git's own directories, whose settings name programs. */
import { Failure } from '../../core/api/errors.ts';
import { type BeneathOptions, openBeneath, type Opened, partsOf } from './beneath.ts';

/** In any case: file systems that know no case have one directory for all of them. */
export const GIT_DIRECTORY = '.git';

const isGitPart = (part: string) => part.toLowerCase() === GIT_DIRECTORY;

/** As openBeneath; what is, or lies in, a directory of git is `outside_roots`, also behind links. The caller closes the handle. */
export async function openInside(root: string, path: string, options: BeneathOptions = {}): Promise<Opened> {
  if (partsOf(path).some(isGitPart)) throw closed();
  const opened = await openBeneath(root, path, options);
  if (!opened.path.split('/').some(isGitPart)) return opened;
  await opened.handle.close();
  throw closed();
}

const closed = () => new Failure('outside_roots', 'The files of git itself are not shown and not changed here.');
