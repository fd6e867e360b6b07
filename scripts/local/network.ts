import { networkInterfaces } from 'node:os';

/** This machine’s IPv4 addresses on its networks, those of home and office networks first. */
export function networkAddresses(interfaces = networkInterfaces()): string[] {
  const addresses = Object.entries(interfaces)
    .filter(([name]) => !/^(docker|br-|veth|virbr|cni|flannel|utun|tun|tap)/.test(name))
    .flatMap(([, found]) => found ?? [])
    .filter(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'));
  const rank = (address: string) => PRIVATE.findIndex((prefix) => prefix.test(address));
  return addresses.map(({ address }) => address).toSorted((a, b) => rank(a) - rank(b));
}

/** The last matches every address. */
const PRIVATE = [/^192\.168\./, /^10\./, /^172\.(1[6-9]|2\d|3[01])\./, /^/];
