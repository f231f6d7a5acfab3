import { describe, expect, test } from 'vitest';
import { failureOf } from '../../../../providers/aws-ec2/api/failure.ts';

function thrown(name: string, status?: number, message = 'in the words of AWS'): Error {
  const $metadata = status === undefined ? {} : { httpStatusCode: status, requestId: 'r-1' };
  return Object.assign(new Error(message), { name, $metadata });
}

const failure = (name: string, status?: number) => failureOf(thrown(name, status), { action: 'ec2:CreateFleet' });

describe('what AWS throws', () => {
  test.each([
    ['InsufficientInstanceCapacity', 'offering'],
    ['MaxSpotInstanceCountExceeded', 'quota'],
    ['VcpuLimitExceeded', 'quota'],
    ['InvalidFleetConfiguration', 'offering'],
    ['VolumeLimitExceeded', 'account'],
    ['UnfulfillableCapacity', 'offering'],
    ['Unsupported', 'offering'],
    ['InsufficientFreeAddressesInSubnet', 'zone'],
    ['MaxFleetCountExceeded', 'account'],
    ['InstanceLimitExceeded', 'type-in-region'],
    ['InsufficientHostCapacity', 'offering'],
    ['SpotMaxPriceTooLow', 'offering'],
  ])('%s is a lack of capacity, of the scope %s', (name, scope) => {
    expect(failure(name, 400)).toMatchObject({ code: 'InsufficientCapacity', retryable: true, identity: { scope } });
  });

  test('of the role for spot that is missing is about spot alone', () => {
    const name = 'AuthFailure.ServiceLinkedRoleCreationNotPermitted';
    expect(failure(name, 403)).toMatchObject({ code: 'Unauthorized', identity: { scope: 'launch-type' } });
  });

  test.each([
    ['RequestLimitExceeded', 503, 'Throttled'],
    ['Throttling', 400, 'Throttled'],
    ['TooManyRequestsException', 429, 'Throttled'],
    ['UnauthorizedOperation', 403, 'Unauthorized'],
    ['AuthFailure', 401, 'Unauthorized'],
    ['ExpiredToken', 400, 'Unauthorized'],
    ['RequestExpired', 400, 'Unauthorized'],
    ['InvalidSubnetID.NotFound', 400, 'NotFound'],
    ['InvalidLaunchTemplateName.NotFoundException', 400, 'NotFound'],
    ['InvalidParameterValue', 400, 'InvalidConfig'],
    ['IdempotentParameterMismatch', 400, 'InvalidConfig'],
    ['InternalError', 500, 'AmbiguousOutcome'],
    ['ServiceUnavailable', 503, 'AmbiguousOutcome'],
    ['TimeoutError', undefined, 'AmbiguousOutcome'],
    ['SomethingNeverSeen', undefined, 'AmbiguousOutcome'],
  ])('%s (%s) is %s', (name, status, code) => {
    expect(failure(name, status).code).toBe(code);
  });

  test('no credentials are told of as such, with the remedy, and are not asked for again', () => {
    const error = failureOf(thrown('CredentialsProviderError'), { action: 'ec2:DescribeInstances' });
    expect(error).toMatchObject({ code: 'Unauthorized', retryable: false });
    expect(error.message).toContain('give the provider credentials');
  });

  test('an action that is not allowed is named', () => {
    expect(failure('UnauthorizedOperation', 403)).toMatchObject({
      message: expect.stringContaining('ec2:CreateFleet'),
      identity: { action: 'ec2:CreateFleet', awsCode: 'UnauthorizedOperation', requestId: 'r-1' },
    });
  });

  test('a clock that is wrong is told of', () => {
    expect(failure('RequestExpired', 400).message).toContain('clock');
  });

  test('the role that spot needs, and how it is made, is told of', () => {
    expect(failure('AuthFailure.ServiceLinkedRoleCreationNotPermitted', 403).message).toContain('spot.amazonaws.com');
  });

  test('a connection that is cut is an outcome that nobody knows', () => {
    const cut = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'Error' });
    const error = failureOf(cut, { action: 'ec2:CreateFleet' });
    expect(error).toMatchObject({ code: 'AmbiguousOutcome', identity: { awsCode: 'ECONNRESET' } });
  });
});
