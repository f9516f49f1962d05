import type { Aws } from '../aws/clients.ts';
import { orGone } from '../aws/errors.ts';
import type { Scene } from '../engine/part.ts';
import { FIRST_ADMIN, settingsPath } from '../parts/settings.ts';

/** `path` is below the hub's origin; `expiresAt` in ms. */
export interface FirstAdminLink {
  path: string;
  expiresAt: number;
}

const nameOf = (cluster: string) => `${settingsPath(cluster)}/${FIRST_ADMIN}`;

/**
 * On the manager: the link to the first account lies in an encrypted parameter while it is of use, for nothing secret may be
 * in a log or console output.
 */
export async function publishFirstAdmin(aws: Aws, cluster: string, link: FirstAdminLink | undefined): Promise<void> {
  const Name = nameOf(cluster);
  const ssm = await aws.ssm();
  const known = (await orGone(ssm.getParameter({ Name, WithDecryption: true })))?.Parameter?.Value;
  if (!link) {
    if (known !== undefined) await orGone(ssm.deleteParameter({ Name }));
    return;
  }
  const Value = JSON.stringify(link);
  if (known !== Value) await ssm.putParameter({ Name, Value, Type: 'SecureString', Overwrite: true });
}

/** For the operator: where the first account is made; null when there is an administrator, or no link yet. */
export async function readFirstAdmin(scene: Scene): Promise<{ url: string; expiresAt: number } | null> {
  const host = scene.config.manager.domain ?? scene.ids.get('address-joined');
  const Name = nameOf(scene.config.name);
  const found = await orGone((await scene.aws.ssm()).getParameter({ Name, WithDecryption: true }));
  const link = JSON.parse(found?.Parameter?.Value ?? 'null') as FirstAdminLink | null;
  if (!host || !link || link.expiresAt <= scene.clock.now()) return null;
  return { url: new URL(link.path, `https://${host}/`).href, expiresAt: link.expiresAt };
}
