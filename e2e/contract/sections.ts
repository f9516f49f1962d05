import { environment } from './sections/s1-servers.ts';
import { settings } from './sections/s1-settings.ts';
import { codes } from './sections/s2-codes.ts';
import { cookies } from './sections/s2-cookies.ts';
import { behindTls } from './sections/s2-https.ts';
import { oauth } from './sections/s2-oauth.ts';
import { common } from './sections/s3-common.ts';
import { groups } from './sections/s3-groups.ts';
import { hubItself } from './sections/s3-hub.ts';
import { servers } from './sections/s3-servers.ts';
import { shares } from './sections/s3-shares.ts';
import { failures, starts } from './sections/s3-starts.ts';
import { tokens } from './sections/s3-tokens.ts';
import { users } from './sections/s3-users.ts';
import { moreScopes } from './sections/s4-more.ts';
import { scopes } from './sections/s4-scopes.ts';
import { asking } from './sections/s5-asked.ts';
import { hosts } from './sections/s5-hosts.ts';
import { morePages } from './sections/s5-more.ts';
import { pages } from './sections/s5-pages.ts';
import { spawning } from './sections/s5-spawn.ts';
import { proxy } from './sections/s6-proxy.ts';
import { proxyAndServices } from './sections/s6-s7.ts';
import { moreServices } from './sections/s7-more.ts';
import { namesAndLimits } from './sections/s10-names.ts';
import type { Section } from './suite.ts';

export const SECTIONS: readonly Section[] = [
  environment,
  settings,
  oauth,
  codes,
  cookies,
  behindTls,
  common,
  users,
  tokens,
  servers,
  starts,
  groups,
  shares,
  scopes,
  moreScopes,
  pages,
  morePages,
  spawning,
  asking,
  hosts,
  proxyAndServices,
  proxy,
  moreServices,
  namesAndLimits,
  failures,
  // Its last test shuts a hub down.
  hubItself,
];
