import { charts } from './charts.ts';
import { frame } from './frame.ts';
import { people } from './people.ts';
import { servers } from './servers.ts';
import { things } from './things.ts';

/**
 * Every string of this page, in English. A sentence with a value in it is a function, so that another language can
 * order it as it likes; nothing is put together from pieces.
 */
export const t = { ...frame, ...charts, ...people, ...servers, ...things };
