/** Everything that the tunnels of this process carry, in the clear: what each end has opened of the other's records. */
import { Buffer } from 'node:buffer';
import { TYPE } from '../../../core/tunnel/frame.ts';
import { Mux } from '../../../core/tunnel/mux.ts';

export interface TunnelTap {
  /** For each end of each tunnel the records that it received, in their order. */
  readonly ends: ReadonlyMap<object, string[]>;
  remove(): void;
}

/**
 * Listens to every tunnel that is made from now on.
 * @param machineHello what a machine says in HELLO instead of what it meant to say
 */
export function tapTunnels(machineHello: (fields: Record<string, unknown>) => object): TunnelTap {
  const ends = new Map<object, string[]>();
  const { receive, control } = Mux.prototype;
  Mux.prototype.receive = function (record) {
    const records = ends.get(this) ?? [];
    ends.set(this, records);
    records.push(record.toString('latin1'));
    return receive.call(this, record);
  };
  Mux.prototype.control = function (type, payload, latest) {
    if (type !== TYPE.hello) return control.call(this, type, payload, latest);
    const fields = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
    const said = fields.name === 'relay' ? fields : machineHello(fields);
    return control.call(this, type, Buffer.from(JSON.stringify(said)), latest);
  };
  return {
    ends,
    remove: () => void Object.assign(Mux.prototype, { receive, control }),
  };
}
