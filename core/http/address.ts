/** Network addresses as text. Pure. */

/** An IPv4 address that came through a dual-stack socket, without its `::ffff:`. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  // Asked for every request: most addresses need no look.
  return address.startsWith('::') ? address.replace(/^::ffff:(?=\d+\.)/i, '') : address;
}

/** The key by which limits count an address. IPv6 addresses count by their /64, because one client easily has many. */
export function limiterKey(address: string): string {
  if (!address.includes(':')) return address;
  const [left = '', right = ''] = address.split('%')[0]!.split('::');
  const head = left ? left.split(':') : [];
  const tail = right ? right.split(':') : [];
  const gap = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = address.includes('::') ? [...head, ...gap, ...tail] : head;
  return `${groups.slice(0, 4).map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
