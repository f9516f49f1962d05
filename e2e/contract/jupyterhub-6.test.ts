import { expect, test } from 'vitest';
import { testPython } from '../../tools/test-machine.ts';
import { runContract } from './run.ts';

const python = testPython();
if (python) runContract('jupyterhub-6', python);
else test.skip('no Python environment with this JupyterHub', () => expect(python).toBeDefined());
