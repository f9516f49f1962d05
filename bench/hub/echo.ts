// The tiny server that answers for everybody, in a process of its own.
import { serveEcho } from '@atrium/spawner-echo';

const echo = await serveEcho({ port: 0 });
process.once('disconnect', () => void echo[Symbol.asyncDispose]());
process.send?.(echo.address);
