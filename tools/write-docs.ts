import { writeFileSync } from 'node:fs';
import { generatedDocs } from './generated-docs.ts';

/** `npm run docs`: writes the pages of `docs/reference` that come from the source. */
for (const [path, text] of Object.entries(generatedDocs())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  process.stdout.write(`${path}\n`);
}
