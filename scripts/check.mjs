import { runChecks } from './lib/checks.mjs';
import { runScript } from './lib/launch.mjs';
import { ensurePackages } from './lib/npm.mjs';

/** `npm run check`: format, lint, boundaries, house rules, types. Nothing is written. */
await runScript(async () => {
  await ensurePackages({ dev: true });
  const { failed } = await runChecks();
  return failed > 0 ? 1 : 0;
});
