/** Import cycles, of files and of directories: whatever is in one can only be understood, tested and moved as a whole. */
import { dirname } from 'node:path';

/** Name → names that it imports. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The graph between the directories of a graph of files. A file right below a program's own directory (`agent/server.ts`,
 * `ui/html.ts`) stands for itself: those are the program's top and its ground.
 */
export function directoryGraph(files: Graph): Graph {
  const directories = new Map<string, Set<string>>();
  for (const [file, targets] of files) {
    const from = directoryOf(file);
    const edges = directories.get(from) ?? new Set();
    directories.set(from, edges);
    for (const target of targets) if (directoryOf(target) !== from) edges.add(directoryOf(target));
  }
  return directories;
}

const directoryOf = (file: string) => dirname(file).includes('/') ? dirname(file) : file;

interface Mark {
  index: number;
  low: number;
  isOpen: boolean;
}

/** The strongly connected components of two nodes and more (Tarjan 1972), each sorted. */
export function findCycles(graph: Graph): string[][] {
  const marks = new Map<string, Mark>();
  const open: string[] = [];
  const cycles: string[][] = [];
  const visit = (name: string): Mark => {
    const mark = { index: marks.size, low: marks.size, isOpen: true };
    marks.set(name, mark);
    open.push(name);
    for (const target of graph.get(name) ?? []) {
      if (!graph.has(target)) continue;
      const seen = marks.get(target);
      if (!seen) mark.low = Math.min(mark.low, visit(target).low);
      else if (seen.isOpen) mark.low = Math.min(mark.low, seen.index);
    }
    if (mark.low === mark.index) {
      const component = open.splice(open.indexOf(name));
      for (const member of component) marks.get(member)!.isOpen = false;
      if (component.length > 1) cycles.push(component.sort());
    }
    return mark;
  };
  for (const name of graph.keys()) if (!marks.has(name)) visit(name);
  return cycles;
}
