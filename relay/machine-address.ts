/** Addresses that name a machine: `/m/<machine>/api/…` (core/api/SPEC.md, "Machines of a relay"). Pure. */

const MACHINE_PATH = /^\/m\/([a-z0-9]{6,40})(\/api\/.*)$/;

/** The machine that a request target names and what is asked of it; null when the target names none. */
export function machineTarget(url: string): { machine: string; target: string } | null {
  const match = url.startsWith('/m/') ? MACHINE_PATH.exec(url) : null;
  return match && { machine: match[1]!, target: match[2]! };
}
