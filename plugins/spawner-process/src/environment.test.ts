import { testServerIo } from '@atrium/sdk/testing';
import { expect, test } from 'vitest';
import { type Setting, serverEnvironment } from './environment.ts';

const PLACE = { hubId: 'h', dataDir: '/data', runDir: '/run/h', hubUid: 0, hubGid: 0 };
const SETTING: Setting = {
  ...{ command: ['server'], address: 'unix', mode: 'none', home: '/home/ada', python: '/py', defaultUrl: '/lab' },
  ...{ notebookDir: undefined, environment: {}, limits: {} },
};
const environment = (more: Partial<Setting>) =>
  serverEnvironment(PLACE, { server: 's', generation: 1 }, { ...SETTING, ...more }, testServerIo({ user: 'ada' }));

test('limits and the folder to show are told as they are set, with the name of the person', () => {
  const told = environment({ notebookDir: '/srv/{username}/{username}', limits: { memoryMb: 512, cpus: 0.5 } });

  expect(told).toMatchObject({ MEM_LIMIT: '536870912', CPU_LIMIT: '0.5', JUPYTERHUB_ROOT_DIR: '/srv/ada/ada' });
});

test('what is not set is not there, and what the configuration says wins', () => {
  const told = environment({ environment: { JUPYTERHUB_DEFAULT_URL: '/tree', USER: 'other' } });

  expect(told).toMatchObject({ JUPYTERHUB_DEFAULT_URL: '/tree', USER: 'other' });
  for (const name of ['MEM_LIMIT', 'CPU_LIMIT', 'JUPYTERHUB_ROOT_DIR']) expect(told).not.toHaveProperty(name);
});
