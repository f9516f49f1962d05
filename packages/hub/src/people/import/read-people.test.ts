import { expect, test } from 'vitest';
import { readPeople } from './read-people.ts';

test('a name that the installation does not take is an error of its line', () => {
  const { problems } = readPeople('name\nada\nBOB\n', (name) => name !== 'bob');

  expect(problems.map(({ line }) => line)).toEqual([3]);
});

const people = (text: string) => readPeople(text).people.map(({ line, ...rest }) => [line, ...Object.values(rest)]);

test('comma, semicolon and tab; quotes, line ends of any kind, a byte order mark, empty lines', () => {
  const ada = [2, 'ada', ['a', 'b'], true];
  const bob = [4, 'bob', [], null];

  expect(people('name,groups,admin\nada,"a, b",yes\n\nbob\n')).toEqual([ada, bob]);
  expect(people('\uFEFFName;Groups;Admin\r\nAda;a|b;1\r\n\r\nbob;;')).toEqual([ada, bob]);
  expect(people('login\tgroup\tadmin\rada\ta;b\tx\r\rbob\t\t\r')).toEqual([ada, bob]);
  expect(people('"name","groups"\n"o""hara","two\nlines"\nlast,x\n')).toEqual([[4, 'last', ['x'], null]]);
  expect(people('name,groups\n"\'=ada",\'-x\n')).toEqual([[2, '=ada', ['-x'], null]]);
  expect(readPeople('name,created,servers\nada,2026,1\n')).toMatchObject({
    ignored: ['created', 'servers'],
    problems: [],
  });
});

test('what is wrong is told with its line and column, and the rest is read', () => {
  const text = 'name,groups,admin\nada,a/b,\n.,,\nbob,,maybe\nBOB,,\nbob,,\n,x,\ncleo,a,b,c\n"dan"x,,\nemmy,,\n';

  const { people, problems } = readPeople(text);

  expect(people.map(({ name }) => name)).toEqual(['emmy']);
  expect(problems.map(({ line, column, message }) => `${line} ${column}: ${message}`)).toEqual([
    '2 groups: “a/b” cannot be the name of a group.',
    '3 name: “.” cannot be a name: no slash, no control characters, not only dots.',
    '4 admin: “maybe” is neither yes nor no.',
    '5 name: “bob” stands in line 4, too.',
    '6 name: “bob” stands in line 4, too.',
    '7 name: The name is missing.',
    '8 null: There are 4 cells and only 3 columns. Is something missing its quotes?',
    '8 admin: “b” is neither yes nor no.',
    '9 null: "x" stands after a closing quote.',
  ]);
});

test('a file whose first line says nothing useful is read no further', () => {
  const first = (text: string) => readPeople(text).problems.map(({ line, message }) => `${line}: ${message}`);

  expect(first('')).toEqual(['1: There is nothing in the file.']);
  expect(first('ada\nbob\n')[0]).toMatch(/^1: The first line must name the columns/);
  expect(first('name,email\nada,x\n')).toEqual(['1: There is no column “email”. Columns are name, groups and admin.']);
  expect(first('name,user\nada,x\n')).toEqual(['1: “user” is there twice.']);
  expect(first('name,constructor\nada,x\n')[0]).toMatch(/no column “constructor”/);
  expect(first('name\n"ada\nbob\n')).toEqual(['2: A quote is opened here and never closed.']);
});
