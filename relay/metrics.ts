/** The text of GET /metrics, in Prometheus' format 0.0.4: of the relay, and of each machine that it knows. Pure. */
import type { MachineEntry } from '../core/api/machines.ts';
import type { MachineStatus, MachineTraffic } from './machines.ts';

export interface KnownMachine {
  machine: MachineEntry;
  /** null: it is away. */
  traffic: MachineTraffic | null;
}

/** Label set and value. */
type Sample = [labels: string, value: number];

/** @param status of what plain `/api/…` reaches, and the totals of all machines */
export function metricsText(
  { uptime, sessions }: { uptime: number; sessions: number },
  status: MachineStatus,
  machines: readonly KnownMachine[],
): string {
  const { connected, rttMs, streams, streamsTotal, bytesIn, bytesOut, tunnelsTotal } = status;
  return [
    metric('relay_uptime_seconds', 'gauge', 'Seconds since the relay started', uptime),
    metric('relay_sessions', 'gauge', 'Browsers logged in', sessions),
    metric('relay_tunnel_connected', 'gauge', '1 while a machine is connected', connected ? 1 : 0),
    metric('relay_tunnel_rtt_seconds', 'gauge', 'Round trip of the last heartbeat', seconds(rttMs)),
    metric('relay_tunnels_total', 'counter', 'Tunnels proven', tunnelsTotal),
    metric('relay_streams', 'gauge', 'Streams open', streams),
    metric('relay_streams_total', 'counter', 'Streams opened', streamsTotal),
    metric('relay_tunnel_received_bytes_total', 'counter', 'Bytes from the machines', bytesIn),
    metric('relay_tunnel_sent_bytes_total', 'counter', 'Bytes to the machines', bytesOut),
    ...machineMetrics(machines),
  ].join('');
}

/**
 * The label is the id, which stays; name and version are in a metric of their own, as Prometheus advises. Counters are of the
 * present tunnel: they begin again at 0 with the next one, which Prometheus' rate() takes into account.
 */
function machineMetrics(machines: readonly KnownMachine[]): string[] {
  const all = (value: (machine: MachineEntry) => number) =>
    machines.map(({ machine }): Sample => [labels({ machine: machine.id }), value(machine)]);
  const connected = (value: (traffic: MachineTraffic) => number) =>
    machines.flatMap(({ machine, traffic }): Sample[] =>
      traffic ? [[labels({ machine: machine.id }), value(traffic)]] : []
    );
  const info = machines.map(({ machine: { id, name, version } }): Sample => [
    labels({ machine: id, name, version }),
    1,
  ]);
  return [
    family('relay_machine_info', 'gauge', 'Name and version of a machine', info),
    family('relay_machine_connected', 'gauge', '1 while it is connected', all((machine) => machine.connected ? 1 : 0)),
    family('relay_machine_last_seen_seconds', 'gauge', 'Unix time', all(({ lastSeenAt }) => lastSeenAt / 1000)),
    family(
      'relay_machine_rtt_seconds',
      'gauge',
      'Round trip of the last heartbeat',
      connected((t) => seconds(t.rttMs)),
    ),
    family('relay_machine_streams', 'gauge', 'Streams open', connected((t) => t.streams)),
    family('relay_machine_streams_total', 'counter', 'Streams opened', connected((t) => t.streamsTotal)),
    family('relay_machine_received_bytes_total', 'counter', 'Bytes from it', connected((t) => t.bytesIn)),
    family('relay_machine_sent_bytes_total', 'counter', 'Bytes to it', connected((t) => t.bytesOut)),
  ];
}

const seconds = (ms: number | null): number => ms === null ? NaN : ms / 1000;

const metric = (name: string, type: string, help: string, value: number): string =>
  family(name, type, help, [['', value]]);

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([set, value]) => `${name}${set} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

/** Names are what machines say and people type: a quote or a line break in one must not begin a metric. */
const labels = (set: Record<string, string>): string =>
  `{${Object.entries(set).map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
const escaped = (value: string): string => value.replace(/[\\"]/g, '\\$&').replace(/\r?\n/g, '\\n').replace(/\r/g, ' ');
