/** A network namespace joined to this machine by a pair of virtual cables. Needs root and iproute2. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';

export interface Namespace {
  /** Addresses of this machine and of the namespace on the cable. */
  here: string;
  there: string;
  /** Command and arguments that run a program inside. */
  inside(command: string, args: string[]): [string, string[]];
  /** The cable is pulled out, or put in again: nobody is told. */
  link(up: boolean): void;
  /** Bytes per second both ways, with a short queue; null: as fast as it goes. */
  rate(spec: string | null): void;
  /** The hosts file of programs that are started inside from now on; those that run with one see the change. */
  hosts(text: string): void;
  /** This machine leaves its address on the cable for another one; connections to the old one break. @returns the new one */
  move(): string;
  /** Drops this share (0 to 1) of the packets that arrive inside. */
  loss(share: number): void;
  close(): void;
}

const run = (command: string, ...args: string[]) =>
  void execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** @param number of the namespace among those of this process, at most 15 */
export function createNamespace(number = 0): Namespace {
  const id = process.pid % 10_000;
  const name = `am-${id}-${number}`;
  const [near, far] = [`am${id}a${number}`, `am${id}b${number}`];
  const net = `10.${200 + (id >> 8) % 50}.${id & 255}`;
  const address = (host: number) => `${net}.${16 * number + host}`;
  const [here, there] = [address(1), address(2)];
  const inside = (
    command: string,
    args: string[],
  ): [string, string[]] => ['ip', ['netns', 'exec', name, command, ...args]];
  const within = (command: string, ...args: string[]) => run(...flat(inside(command, args)));
  run('ip', 'netns', 'add', name);
  run('ip', 'link', 'add', near, 'type', 'veth', 'peer', 'name', far);
  run('ip', 'link', 'set', far, 'netns', name);
  run('ip', 'addr', 'add', `${here}/30`, 'dev', near);
  run('ip', 'link', 'set', near, 'up');
  within('ip', 'addr', 'add', `${there}/30`, 'dev', far);
  within('ip', 'link', 'set', far, 'up');
  within('ip', 'link', 'set', 'lo', 'up');
  let shaped = false;
  let lossy = false;
  return {
    here,
    there,
    inside,
    link: (up) => run('ip', 'link', 'set', near, up ? 'up' : 'down'),
    rate(spec) {
      const ends = [[near, run], [far, within]] as const;
      for (const [device, on] of ends) {
        if (shaped) on('tc', 'qdisc', 'del', 'dev', device, 'root');
        if (spec) {
          on('tc', 'qdisc', 'add', 'dev', device, 'root', 'tbf', 'rate', spec, 'burst', '4kb', 'latency', '400ms');
        }
      }
      shaped = spec !== null;
    },
    hosts(text) {
      // `ip netns exec` lays what is in this folder over /etc.
      mkdirSync(`/etc/netns/${name}`, { recursive: true });
      writeFileSync(`/etc/netns/${name}/hosts`, text);
    },
    move() {
      const next = address(5); // 3 is the broadcast of the first four
      run('ss', '-K', 'src', here, 'dst', there);
      run('ip', 'addr', 'del', `${here}/30`, 'dev', near);
      run('ip', 'addr', 'add', `${next}/29`, 'dev', near);
      within('ip', 'addr', 'replace', `${there}/29`, 'dev', far);
      return next;
    },
    loss(share) {
      // In the main namespace the rule knows its cable by name, so nobody else loses anything.
      const table = `loss_${near}`;
      const ends = [[['iifname', near], run], [[], within]] as const;
      for (const [which, on] of ends) {
        if (lossy) on('nft', 'delete', 'table', 'ip', table);
        if (share === 0) continue;
        on('nft', 'add', 'table', 'ip', table);
        on('nft', 'add', 'chain', 'ip', table, 'in', '{ type filter hook input priority 0 ; }');
        on(
          'nft',
          'add',
          'rule',
          'ip',
          table,
          'in',
          ...which,
          'numgen',
          'random',
          'mod',
          '100',
          '<',
          `${share * 100}`,
          'drop',
        );
      }
      lossy = share > 0;
    },
    close() {
      this.loss(0);
      run('ip', 'link', 'del', near);
      run('ip', 'netns', 'del', name);
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
    },
  };
}

const flat = ([command, args]: [string, string[]]): [string, ...string[]] => [command, ...args];
