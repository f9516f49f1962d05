import { describe, expect, test } from 'vitest';
import type { AuthRequest } from '../services/index.ts';
import { evaluate, type Policy, refused, type Statement } from './index.ts';

const policy = (...Statement: Statement[]): Policy => ({ Version: '2012-10-17', Statement });
const request = (action: string, resource = '*', context: AuthRequest['context'] = {}): AuthRequest => ({
  action,
  resource,
  context,
});
const allowIf = (Condition: Statement['Condition']): Policy =>
  policy({ Effect: 'Allow', Action: '*', Resource: '*', ...(Condition ? { Condition } : {}) });
const asked = (Condition: Statement['Condition'], context: AuthRequest['context']) =>
  evaluate(allowIf(Condition), request('ec2:RunInstances', '*', context));

test('what no statement speaks of is not allowed, and a Deny wins over every Allow', () => {
  const some = policy({ Effect: 'Allow', Action: ['ec2:Describe*'], Resource: '*' });
  expect(evaluate(some, request('ec2:DescribeInstances'))).toBe('allowed');
  expect(evaluate(some, request('EC2:describeinstances'))).toBe('allowed');
  expect(evaluate(some, request('ec2:RunInstances'))).toBe('implicit');
  const none = policy({ Effect: 'Deny', NotAction: 'iam:*', Resource: '*' });
  expect(evaluate([some, none], request('ec2:DescribeInstances'))).toBe('denied');
  expect(refused([some], [request('ec2:DescribeVolumes'), request('ec2:DeleteVolume')])).toEqual([
    request('ec2:DeleteVolume'),
  ]);
});

test('resources are matched as written, with wildcards', () => {
  const own = policy({
    Effect: 'Allow',
    Action: 'ssm:GetParameter',
    Resource: 'arn:aws:ssm:us-east-1:123456789012:parameter/atrium/physics/*',
  });
  const get = (name: string) =>
    evaluate(own, request('ssm:GetParameter', `arn:aws:ssm:us-east-1:123456789012:parameter${name}`));
  expect(get('/atrium/physics/state')).toBe('allowed');
  expect(get('/atrium/Physics/state')).toBe('implicit');
  expect(get('/atrium/chemistry/state')).toBe('implicit');
  const rest = policy({ Effect: 'Allow', Action: 's3:*', NotResource: 'arn:aws:s3:::private/*' });
  expect(evaluate(rest, request('s3:GetObject', 'arn:aws:s3:::private/a'))).toBe('implicit');
  expect(evaluate(rest, request('s3:GetObject', 'arn:aws:s3:::public/a'))).toBe('allowed');
});

test('variables stand for the values of the call', () => {
  const own = policy({
    Effect: 'Allow',
    Action: 'ec2:StopInstances',
    Resource: '*',
    Condition: { StringEquals: { 'aws:ResourceTag/owner': ['$', '{aws:username}'].join('') } },
  });
  const stop = (context: AuthRequest['context']) => evaluate(own, request('ec2:StopInstances', '*', context));
  expect(stop({ 'aws:ResourceTag/owner': 'ada', 'aws:username': 'ada' })).toBe('allowed');
  expect(stop({ 'aws:ResourceTag/owner': 'bob', 'aws:username': 'ada' })).toBe('implicit');
  expect(stop({ 'aws:ResourceTag/owner': '' })).toBe('implicit');
});

describe('conditions', () => {
  test('all keys of all operators must hold, one value of each is enough', () => {
    const condition = {
      StringEquals: { 'ec2:InstanceType': ['t3.small', 't3.medium'], 'ec2:Region': 'us-east-1' },
      Bool: { 'ec2:EbsOptimized': true },
    };
    const context = { 'ec2:InstanceType': 't3.medium', 'ec2:Region': 'us-east-1', 'ec2:EbsOptimized': 'true' };
    expect(asked(condition, context)).toBe('allowed');
    expect(asked(condition, { ...context, 'ec2:InstanceType': 'g5.xlarge' })).toBe('implicit');
    expect(asked(condition, { ...context, 'ec2:EbsOptimized': 'false' })).toBe('implicit');
  });

  test('an absent key fails, unless the operator is negated, IfExists or Null', () => {
    expect(asked({ StringEquals: { 'aws:RequestTag/a': 'x' } }, {})).toBe('implicit');
    expect(asked({ StringNotEquals: { 'aws:RequestTag/a': 'x' } }, {})).toBe('allowed');
    expect(asked({ StringEqualsIfExists: { 'aws:RequestTag/a': 'x' } }, {})).toBe('allowed');
    expect(asked({ StringEqualsIfExists: { 'aws:RequestTag/a': 'x' } }, { 'aws:RequestTag/a': 'y' })).toBe('implicit');
    expect(asked({ Null: { 'aws:RequestTag/a': 'true' } }, {})).toBe('allowed');
    expect(asked({ Null: { 'aws:RequestTag/a': false } }, { 'AWS:requesttag/A': 'x' })).toBe('allowed');
  });

  test('lists need a quantifier', () => {
    const keys = { 'aws:TagKeys': ['atrium:user', 'Name'] };
    const only = { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['atrium:user', 'Name', 'atrium:gen'] } };
    expect(asked(only, keys)).toBe('allowed');
    expect(asked(only, { 'aws:TagKeys': ['atrium:user', 'other'] })).toBe('implicit');
    expect(asked(only, {})).toBe('allowed');
    expect(asked({ 'ForAnyValue:StringLike': { 'aws:TagKeys': 'atrium:*' } }, keys)).toBe('allowed');
    expect(asked({ 'ForAnyValue:StringLike': { 'aws:TagKeys': 'x:*' } }, keys)).toBe('implicit');
    expect(asked({ 'ForAnyValue:StringLike': { 'aws:TagKeys': '*' } }, {})).toBe('implicit');
    expect(() => asked({ StringEquals: { 'aws:TagKeys': 'Name' } }, keys)).toThrow('ForAllValues');
  });

  test('numbers and ARNs', () => {
    const size = { NumericLessThanEquals: { 'ec2:VolumeSize': 100 } };
    expect(asked(size, { 'ec2:VolumeSize': '100' })).toBe('allowed');
    expect(asked(size, { 'ec2:VolumeSize': '101' })).toBe('implicit');
    const template = { ArnLike: { 'ec2:LaunchTemplate': 'arn:aws:ec2:*:123456789012:launch-template/lt-1' } };
    expect(asked(template, { 'ec2:LaunchTemplate': 'arn:aws:ec2:us-east-1:123456789012:launch-template/lt-1' })).toBe(
      'allowed',
    );
    expect(asked(template, { 'ec2:LaunchTemplate': 'arn:aws:ec2:us-east-1:999:launch-template/lt-1' })).toBe(
      'implicit',
    );
  });

  test('an operator that is not known is an error, never a yes', () => {
    expect(() => asked({ StringSomehow: { a: 'b' } }, {})).toThrow('StringSomehow');
  });
});

test('a policy that IAM would not take is an error', () => {
  const call = request('ec2:RunInstances');
  expect(() => evaluate({ Statement: [] }, call)).toThrow('no statement');
  expect(() => evaluate(policy({ Effect: 'Allow', Action: '*' }), call)).toThrow('Resource');
  expect(() => evaluate('{"Statement":{"Effect":"Allow","Action":"*","Resources":"*"}}', call)).toThrow('Resources');
});
