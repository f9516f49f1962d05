import { runContract } from './run.ts';

runContract('atrium');
