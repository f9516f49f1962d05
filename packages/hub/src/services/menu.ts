import { permits, type ScopeSet } from '@atrium/sdk';
import type { Db } from '../db/types.ts';
import { serviceCallbacks } from '../oauth/oauth-clients.service.ts';
import type { Urls } from '../urls.ts';
import { listServices } from './services.repo.ts';

/** Where a person can go beside their own servers. */
export interface MenuEntry {
  name: string;
  href: string;
}

/** The services in the menu of pages: kept in memory, because every page has it. */
export interface ServiceMenu {
  /** Those that are to be shown, to whoever has these scopes. */
  entriesFor(scopes: ScopeSet): readonly MenuEntry[];
  /** Schemes and hosts elsewhere that signing in for a service ends at. */
  readonly callbackHosts: readonly string[];
  /** Reads them anew. */
  refresh(): Promise<void>;
}

export async function openServiceMenu(db: Db, urls: Urls): Promise<ServiceMenu> {
  let shown: MenuEntry[] = [];
  let callbackHosts: readonly string[] = [];
  const menu: ServiceMenu = {
    entriesFor: (scopes) => shown.filter(({ name }) => permits(scopes, 'access:services', { service: name }) === 'yes'),
    get callbackHosts() {
      return callbackHosts;
    },
    async refresh() {
      callbackHosts = [...new Set((await serviceCallbacks(db)).flatMap(originOf))];
      shown = (await listServices(db))
        .filter(({ url, display }) => display && url !== null)
        .map(({ name }) => ({ name, href: urls.serviceUrl(name) }));
    },
  };
  await menu.refresh();
  return menu;
}

/** Of an absolute address; a path is on the host that the service has anyway. */
function originOf(address: string): string[] {
  const url = URL.parse(address);
  return url ? [url.origin] : [];
}
