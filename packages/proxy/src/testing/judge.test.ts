import { expect, test } from 'vitest';
import { readCorpus } from './corpus.ts';
import { compareAnswer, compareRequests } from './judge.ts';
import { type Reading, readAnswer, readRequests } from './readings.ts';

const bytesOf = (kind: 'requests' | 'responses', name: string): Buffer =>
  readCorpus(kind).find((one) => one.name === name)!.bytes;

/** A reading of a parser with a fault. */
function faulty(reading: Reading, fault: (reading: Reading) => void): Reading {
  const copy = structuredClone(reading);
  fault(copy);
  return copy;
}

const FAULTS: Record<string, [fault: (reading: Reading) => void, problem: RegExp]> = {
  'a body too short': [({ messages: [one] }) => (one!.body = one!.body.slice(1)), /bodies of 2 and 3 bytes/],
  'another method': [({ messages: [one] }) => (one!.method = 'PUT'), /methods PUT and POST/],
  'another target': [({ messages: [one] }) => (one!.target = '/'), /targets/],
  'another version': [({ messages: [one] }) => (one!.minor = 0), /versions/],
  'a field too many': [({ messages: [one] }) => one!.fields.push(['X', 'y']), /fields/],
  'an end that is not there': [({ messages: [one] }) => (one!.complete = false), /complete for llhttp only/],
  'a request too few': [({ messages }) => messages.pop(), /llhttp reads more messages/],
  'a request too many': [({ messages }) => messages.push(messages[0]!), /llhttp makes no message 3/],
  'a request more behind us': [
    (reading) => (reading.passedOn += 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    /llhttp reads more requests behind us/,
  ],
  'a length of another body behind us': [
    (reading) => (reading.passedOn = reading.passedOn.replace('Transfer-Encoding: chunked', 'Content-Length: 13')),
    /behind us: bodies/,
  ],
  'nothing to frame the body behind us': [
    (reading) => (reading.passedOn = reading.passedOn.replace('Transfer-Encoding: chunked\r\n', '')),
    /behind us: bodies/,
  ],
  'a field for the server only we know': [
    (reading) => (reading.passedOn = reading.passedOn.replace('\r\nTransfer', '\r\nX: y\r\nTransfer')),
    /something else behind us/,
  ],
};

test.each(Object.entries(FAULTS))('a fault in reading requests is seen: %s', (_name, [fault, problem]) => {
  const bytes = bytesOf('requests', 'bytes behind the last chunk');
  const reading = readRequests(bytes);

  expect(compareRequests(reading, bytes).problem).toBe('');
  expect(compareRequests(faulty(reading, fault), bytes).problem).toMatch(problem);
});

test('a fault in reading an answer is seen', () => {
  const bytes = bytesOf('responses', 'early hints');
  const reading = readAnswer(bytes, 'GET', false);
  const problemOf = (fault: (reading: Reading) => void) =>
    compareAnswer(faulty(reading, fault), bytes, 'GET', false).problem;

  expect(problemOf(() => undefined)).toBe('');
  expect(problemOf(({ messages }) => messages.shift())).toMatch(/statuses 200 and 103/);
  expect(problemOf(({ messages }) => (messages[1]!.body = ''))).toMatch(/bodies of 0 and 2/);
  expect(problemOf(({ messages }) => messages[0]!.fields.pop())).toMatch(/fields/);
});
