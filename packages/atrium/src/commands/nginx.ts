import { isTrusted, trustList } from '@atrium/sdk';
import { CommandError, defineCommand } from '../cli/command.ts';
import { readConfig } from '../files/config-file.ts';
import { findDataDir } from '../files/data-dir.ts';
import { findConfigFile } from '../files/find-config.ts';

const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };
/** What may stand in nginx's configuration without quotes. */
const PLAIN = /^[\w./~+@-]+$/;

export const nginxPrint = defineCommand({
  name: 'nginx print',
  usage: 'atrium nginx print [--cert <file> --key <file>]',
  summary: 'Print a site for an nginx in front, from the configuration',
  details:
    'For publicUrl and everything below subdomainHost; try it with nginx -t. Nobody needs nginx for encryption alone: see the setting tls.',
  options: {
    cert: { type: 'string', value: '<file>', summary: 'Certificate with its chain; else where certbot puts it' },
    key: { type: 'string', value: '<file>', summary: 'Its key' },
  },
  async run({ values }, terminal) {
    const { config } = await readConfig(findConfigFile(values.config, findDataDir(values['data-dir'])), {});
    const { publicUrl, subdomainHost, basePath, trustedProxies } = config;
    if (config.tls !== undefined) {
      throw new CommandError('Atrium does the encryption itself: tls is set. Take it out to have nginx in front.');
    }
    if (!publicUrl?.startsWith('https:')) {
      throw new CommandError("Set publicUrl first, to what browsers will use: publicUrl: 'https://hub.example.org'.");
    }
    if (config.port === 0) throw new CommandError('nginx has to know the port, and port is 0: any.');
    const { hostname, port } = new URL(publicUrl);
    const folder = `/etc/letsencrypt/live/${hostname}`;
    const { cert = `${folder}/fullchain.pem`, key = `${folder}/privkey.pem` } = values;
    const odd = [cert, key].find((path) => !PLAIN.test(path));
    if (odd !== undefined)
      throw new CommandError(`${odd} cannot stand in a configuration of nginx. Use plain characters.`);
    const host = EVERYWHERE[config.host] ?? (config.host.includes(':') ? `[${config.host}]` : config.host);
    const address = host.replace(/^\[|\]$/g, '').replace('localhost', '127.0.0.1');
    if (!isTrusted(trustList(trustedProxies), address)) {
      terminal.say(
        `Atrium does not believe what nginx says of its visitors yet. In the configuration: trustedProxies: ['${address}']`,
      );
    }
    const { nginxSite } = await import('@atrium/cluster/nginx');
    const site = nginxSite({
      names: subdomainHost === undefined ? [hostname] : [hostname, `*.${new URL(subdomainHost).hostname}`],
      port: Number(port || 443),
      basePath,
      upstream: `${host}:${config.port}`,
      cert,
      key,
    });
    return { json: { site }, text: site.trimEnd() };
  },
});
