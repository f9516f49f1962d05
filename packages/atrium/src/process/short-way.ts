import { registerHooks } from 'node:module';

const ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const FORMATS: Record<string, string> = { ts: 'module-typescript', js: 'module' };
/** Ours, and those of others that have hundreds of modules: in these folders every file with such an ending is a module. */
const MODULES = /\/node_modules\/(?:kysely\/dist(?!\/(?:cjs|esm)\/)|zod\/v4)\/[^?#]+\.js$/;
const OWN = ownFolders();

/** `packages/` and `plugins/` of a clone; of an installation, the folder of this package and those of its fellows. */
function ownFolders(): string[] {
  const here = new URL('../../', import.meta.url);
  const folders = ENDING === 'ts' ? ['../', '../../plugins/'] : ['dist/', 'node_modules/@atrium/', '../@atrium/'];
  return folders.map((folder) => new URL(folder, here).href);
}

function own(url: string): boolean {
  if (!url.endsWith(`.${ENDING}`)) return false;
  return OWN.some((folder) => url.startsWith(folder) && !url.includes('/node_modules/', folder.length));
}

const known = (url: string) => own(url) || MODULES.test(url);

/**
 * A hub is nine hundred modules, and Node asks the disk of each where it really is, whose package it belongs to and what it
 * is: a sixth of all that a start takes. From one of these modules to the next beside it the answer is known.
 */
registerHooks({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    if (specifier.startsWith('.') && parentURL !== undefined && known(parentURL)) {
      const url = new URL(specifier, parentURL).href;
      if (known(url)) return { url, format: FORMATS[url.slice(url.lastIndexOf('.') + 1)], shortCircuit: true };
    }
    return next(specifier, context);
  },
});
