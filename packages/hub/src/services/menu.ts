import { permits, type ScopeSet } from '@atrium/sdk';
import type { Db } from '../db/types.ts';
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
  /** Reads them anew. */
  refresh(): Promise<void>;
}

export async function openServiceMenu(db: Db, urls: Urls): Promise<ServiceMenu> {
  let shown: MenuEntry[] = [];
  const menu: ServiceMenu = {
    entriesFor: (scopes) => shown.filter(({ name }) => permits(scopes, 'access:services', { service: name }) === 'yes'),
    async refresh() {
      shown = (await listServices(db))
        .filter(({ url, display }) => display && url !== null)
        .map(({ name }) => ({ name, href: urls.service(name) }));
    },
  };
  await menu.refresh();
  return menu;
}
