import { isFresh, update } from './lib/boundaries.mjs';
import { runScript } from './lib/launch.mjs';

/** Writes the table of boundaries into biome.json; with --check only says whether it is current. */
await runScript(async () => {
  if (!process.argv.includes('--check')) return void update();
  if (isFresh()) return 0;
  process.stderr.write('biome.json does not match scripts/lib/boundaries.mjs. Run: npm run fix\n');
  return 1;
});
