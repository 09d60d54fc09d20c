/** What is needed with more than one machine only: one file, loaded at the first use. */
import { lazy } from '../hooks/lazy.ts';

const many = () => import('./many.ts');

export const machineLine = lazy<object>(() => many().then(({ MachineLine }) => ({ default: MachineLine })));
export const machineStates = lazy<object>(() => many().then(({ MachineStates }) => ({ default: MachineStates })));
export const machineChoice = lazy<object>(() => many().then(({ MachineChoice }) => ({ default: MachineChoice })));
