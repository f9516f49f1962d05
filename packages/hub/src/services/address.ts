import type { Address } from '@atrium/sdk';

/** Where the proxy and the health check connect for a service's `url`. Its path says nothing: requests carry their own. */
export function addressOfService(url: string): Address {
  const socket = /^http\+unix:\/\/([^/]*)\/?$/i.exec(url)?.[1];
  if (socket !== undefined) return { kind: 'unix', path: decodeURIComponent(socket) };
  const { hostname, port } = new URL(url);
  return { kind: 'tcp', host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? 80 : Number(port) };
}
