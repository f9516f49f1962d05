import { expect, test } from 'vitest';
import { describeOnDatabases } from '../../../../tools/test-databases.ts';
import { pluginStore } from './plugin-store.repo.ts';

describeOnDatabases('plug-in store', (open) => {
  test('of several who claim one key, one gets it', async () => {
    await using opened = await open();
    const store = pluginStore(opened.db, 'spawner-a');

    const won = await Promise.all([1, 2, 3, 4].map((n) => store.claim('spare/i-1', { n })));

    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.get('spare/i-1')).toEqual({ n: won.indexOf(true) + 1 });
    expect(await pluginStore(opened.db, 'spawner-b').claim('spare/i-1', 1)).toBe(true);
  });

  test('a swap counts only when nothing has changed since it was read', async () => {
    await using opened = await open();
    const store = pluginStore(opened.db, 'spawner-a');
    await store.put('home/ada', { zone: 'a', sizeGb: 10, list: [1, { b: null }] });
    const seen = await store.get('home/ada');

    const won = await Promise.all([20, 30].map((sizeGb) => store.swap('home/ada', seen ?? null, { sizeGb })));

    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await store.swap('home/nobody', seen ?? null, 1)).toBe(false);
  });

  test('entries are those of one prefix, taken literally', async () => {
    await using opened = await open();
    const store = pluginStore(opened.db, 'spawner-a');
    for (const key of ['home/b', 'home/a', 'homes', 'h_me/x', 'spare/1']) await store.put(key, key);

    expect((await store.entries('home/')).map(([key]) => key)).toEqual(['home/a', 'home/b']);
    expect(await store.entries('h_me/')).toEqual([['h_me/x', 'h_me/x']]);
  });
});
