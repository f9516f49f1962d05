// The only way from inside a simulated machine to the simulator: `control.mjs <socket> systemctl poweroff`.
import { connect } from 'node:net';

const [path = '', ...args] = process.argv.slice(2);
const socket = connect(path);
socket.end(JSON.stringify(args));
let text = '';
socket.setEncoding('utf8');
socket.on('data', (chunk) => {
  text += chunk;
});
socket.on('end', () => {
  const { code = 1, out = '' } = text ? JSON.parse(text) : {};
  process.stdout.write(out);
  process.exitCode = code;
});
socket.on('error', (error) => {
  process.stderr.write(`The simulator does not answer: ${error.message}\n`);
  process.exitCode = 1;
});
