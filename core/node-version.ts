/** Which Node the programs need. Imported by every entry before anything that an older one cannot load. */

export const MIN_NODE_MAJOR = 20;

/**
 * @param versions `process.versions`
 * @returns one sentence that names the version, or null when it will do. Deno and Bun name the Node that they stand in for.
 */
export function nodeProblem(versions: { node?: string }): string | null {
  const major = Number.parseInt(versions.node ?? '', 10);
  if (major >= MIN_NODE_MAJOR) return null;
  return `Agent Monitor needs Node ${MIN_NODE_MAJOR} or later, this is Node ${
    versions.node ?? '(unknown)'
  }: install a newer one from https://nodejs.org.`;
}
