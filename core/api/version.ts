/**
 * Versions of the two ends. `HELLO` carries them (core/tunnel/SPEC.md); a release is a minor version. What a release adds to the
 * wire is left out by an end that does not know it, so that releases one apart work together. Nobody is refused.
 */

export interface Ends {
  /** As in package.json; '' and anything else that is no version: unknown, nothing is said. */
  relay: string;
  machine: string;
}

export interface VersionAdvice {
  old: 'relay' | 'machine';
  /** More than one release apart: they may not work together. */
  isFar: boolean;
  /** For people: which end is old, and what to type. */
  text: string;
}

const MEND = {
  relay: 'Update the relay: agent-monitor deploy user@server',
  machine: 'Update it there: agent-monitor update',
};

/** @returns null when both are of one release, or one's version is not known */
export function versionAdvice({ relay, machine }: Ends): VersionAdvice | null {
  const [ofRelay, ofMachine] = [releaseOf(relay), releaseOf(machine)];
  if (!ofRelay || !ofMachine) return null;
  const order = ofRelay.major - ofMachine.major || ofRelay.minor - ofMachine.minor;
  if (order === 0) return null;
  const old = order < 0 ? 'relay' : 'machine';
  const isFar = ofRelay.major !== ofMachine.major || Math.abs(ofRelay.minor - ofMachine.minor) > 1;
  const [name, version, other] = old === 'relay'
    ? ['The relay', relay, `the machine has ${machine}`]
    : ['The machine', machine, `the relay has ${relay}`];
  const judgement = isFar
    ? 'More than one release apart they may not work together.'
    : 'They work together, but one of them lacks what is new.';
  return { old, isFar, text: `${name} has the older version ${version}, ${other}. ${judgement} ${MEND[old]}` };
}

function releaseOf(version: string): { major: number; minor: number } | null {
  const [, major, minor] = /^v?(\d{1,6})\.(\d{1,6})\.\d/.exec(version) ?? [];
  return major === undefined || minor === undefined ? null : { major: Number(major), minor: Number(minor) };
}
