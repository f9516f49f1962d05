/** A reason to stop that the person can act on: shown as it is, without a stack. */
export class SetupProblem extends Error {
  /** @param {string} message what is missing @param {string} [remedy] what to type */
  constructor(message, remedy) {
    super(remedy ? `${message}\n${remedy}` : message);
    this.name = 'SetupProblem';
  }
}

const TICK_MS = 1000;
/** Without a terminal (a log file, CI) a line is written this often instead of being redrawn. */
const QUIET_TICK_MS = 15_000;

const seconds = (from) => `${Math.round((Date.now() - from) / 1000)} s`;

/**
 * Shows one step of the setup with the time it takes, on standard error, so that standard output stays an answer.
 * `work` gets a function that sets the detail shown behind the title ("31 of 85 MB").
 */
export async function step(title, work, out = process.stderr) {
  const began = Date.now();
  let detail = '';
  const line = () => `  ${title} … ${detail ? `${detail}, ` : ''}${seconds(began)}`;
  const draw = () => out.write(out.isTTY ? `\r\x1b[K${line().slice(0, (out.columns || 80) - 1)}` : `${line()}\n`);
  if (out.isTTY) draw();
  else out.write(`  ${title} …\n`);
  const timer = setInterval(draw, out.isTTY ? TICK_MS : QUIET_TICK_MS);
  const finish = (word) => {
    clearInterval(timer);
    out.write(`${out.isTTY ? '\r\x1b[K' : ''}  ${title}: ${word}\n`);
  };
  try {
    const result = await work((text) => {
      detail = text;
    });
    finish(`done in ${seconds(began)}`);
    return result;
  } catch (cause) {
    finish(cause?.interrupted ? 'stopped' : 'failed');
    throw cause;
  }
}
