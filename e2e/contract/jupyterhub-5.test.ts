import { expect, test } from 'vitest';
import { testPython5 } from '../../tools/test-machine.ts';
import { runContract } from './run.ts';

const python = testPython5();
if (python) runContract('jupyterhub-5', python);
else test.skip('no Python environment with this JupyterHub', () => expect(python).toBeDefined());
