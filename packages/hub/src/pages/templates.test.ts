import { expect, test } from 'vitest';
import { ASSET_NAMES, asset } from './assets.ts';
import { textOn } from './brand.ts';
import { gallery, HOSTILE } from './testing/gallery.ts';
import { duration, relativeTime } from './times.ts';

const tagsOf = (document: string, name: string) =>
  [...document.matchAll(new RegExp(`<${name}\\b("[^"]*"|[^>"])*>`, 'g'))].map(([tag]) => tag);
const attribute = (tag: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];

test.for([...gallery({ brand: HOSTILE, text: HOSTILE })])(
  'the page %s escapes what came from outside',
  ([, document]) => {
    expect(document).toContain('&lt;script&gt;');
    expect(document).not.toContain(HOSTILE);
    expect(document).not.toMatch(/<script>|alert\("1"\)/);
  },
);

test.for([...gallery()])('the page %s has nothing inline and nothing of another host', ([, document]) => {
  const scripts = tagsOf(document, 'script').map((tag) => attribute(tag, 'src'));

  expect(scripts.every((src) => src?.startsWith('/hub/static/'))).toBe(true);
  expect(document).not.toMatch(/<style|\sstyle=|\son[a-z]+="|javascript:/i);
  expect(tagsOf(document, 'link').every((tag) => attribute(tag, 'href')?.startsWith('/hub/static/'))).toBe(true);
});

test.for([...gallery()])(
  'the page %s names every control, has one heading of the first rank and protects its forms',
  ([, document]) => {
    const labelled = new Set([...document.matchAll(/<label for="([^"]+)"/g)].map(([, id]) => id));
    const inputs = ['input', 'select', 'textarea'].flatMap((name) => tagsOf(document, name));
    const nameless = inputs.filter(
      (tag) => !/type="(hidden|radio|checkbox)"|aria-label=/.test(tag) && !labelled.has(attribute(tag, 'id')),
    );
    const ids = [...document.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    const posts = document.match(/<form[^>]*method="post"/g)?.length ?? 0;

    expect(nameless).toEqual([]);
    expect(ids.length).toBe(new Set(ids).size);
    expect(document.match(/<h1\b/g)).toHaveLength(1);
    expect(document.match(/name="_xsrf"/g)?.length ?? 0).toBe(posts);
  },
);

test('the first page weighs less than 30 KB with everything, the stylesheet less than 12 KB', () => {
  const files = ASSET_NAMES.filter((name) => name !== 'progress.js').map((name) => asset(name).body.length);

  expect((gallery().get('login')?.length ?? 0) + files.reduce((sum, size) => sum + size, 0)).toBeLessThan(30_000);
  expect(asset('atrium.css').body.length).toBeLessThan(12_000);
});

test('an accent colour of the institution gets text that can be read on it', () => {
  expect(textOn('#8c1515')).toBe('#ffffff');
  expect(textOn('#ffd100')).toBe('#000000');
});

test('times are told in words, in at most two units', () => {
  expect([0, 59.6, 3599, 7500, 90_000].map(duration)).toEqual(['0 s', '1 min', '59 min 59 s', '2 h 5 min', '1 d 1 h']);
  expect([-200_000, 125_000, 0, -90_000_000].map((distance) => relativeTime(distance, 0))).toEqual([
    '3 minutes ago',
    'in 2 minutes',
    'now',
    'yesterday',
  ]);
});
