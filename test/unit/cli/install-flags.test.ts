import { describe, expect, test } from 'vitest';
import { installCommand } from '../../../src/cli/install-command.ts';
import { type InstallFlags, installOptions, memoryOf, nodesOf } from '../../../src/cli/install-flags.ts';
import { installObjects } from '../../../src/install/objects.ts';

const FILE = { path: 'nodeless.yaml', content: { provider: 'simulated' } };
const IMAGE = 'registry.example.com/nodeless:1';

describe('the flags of nodeless install', () => {
  test('show the time that is waited as one writes it', () => {
    expect(installCommand().helpInformation()).toContain('(default: 5m)');
  });

  test.each<InstallFlags>([
    {},
    { zones: ['a', 'b'] },
    { webhookUrl: 'https://10.0.0.5:9443' },
    { webhookUrl: 'https://nodeless.example/hooks/' },
    { webhooks: false },
  ])('%j are taken', (flags) => {
    expect(installOptions(flags)).toMatchObject({ virtualNode: 'nodeless', namespace: 'nodeless-system', ...flags });
  });

  test.each<[InstallFlags, string]>([
    [{ zones: ['a', 'a'] }, 'names a zone twice'],
    [{ zones: ['A b'] }, 'a zone is lower-case letters'],
    [{ zones: [''] }, 'a zone is lower-case letters'],
    [{ zones: ['a'.repeat(60)] }, 'is longer than 63 characters'],
    [{ virtualNode: 'Foo_' }, 'a node name is lower-case letters'],
    [{ namespace: 'My Space' }, 'a namespace is lower-case letters'],
    [{ webhookUrl: 'foo' }, '--webhook-url is an https URL'],
    [{ webhookUrl: 'http://10.0.0.5' }, '--webhook-url is an https URL'],
    [{ webhookUrl: 'https://me@10.0.0.5' }, '--webhook-url has no user'],
    [{ webhookUrl: 'https://10.0.0.5/?a=b' }, '--webhook-url has no user, query'],
    [{ webhookUrl: 'https://10.0.0.5', webhooks: false }, '--webhook-url and --no-webhooks exclude each other'],
    [{ image: IMAGE }, '--image needs --config'],
    [{ image: 'an image' }, 'is no image'],
  ])('%j are refused with what is wrong', (flags, message) => {
    const check = () => installOptions(flags);
    expect(check).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
    expect(check).toThrow(message);
  });

  test.each<[object, InstallFlags, string]>([
    [{}, {}, 'provider: is required in a cluster'],
    [{ provider: 'local' }, {}, 'local cells can not be launched from a pod'],
    [{ ...FILE.content, virtualNode: { address: '10.0.0.1' } }, {}, 'virtualNode.address: is the pod’s own'],
    [{ ...FILE.content, webhook: { enabled: false } }, {}, 'say --no-webhooks instead'],
    [{ ...FILE.content, cels: {} }, {}, 'unknown key "cels"; did you mean "cells"?'],
    [FILE.content, { webhookUrl: 'https://10.0.0.5' }, 'it is reached by its Service'],
  ])('a provider in the cluster with %j and %j is refused with what is wrong', (content, flags, message) => {
    const check = () => installOptions({ image: IMAGE, ...flags }, { path: 'nodeless.yaml', content });
    expect(check).toThrow(expect.objectContaining({ code: 'ConfigInvalid' }));
    expect(check).toThrow(message);
  });

  test('the signer of a provider that runs elsewhere is that of its configuration file', () => {
    const signer = 'beta.eks.amazonaws.com/app-serving';
    const file = { path: 'f', content: { kubeletEndpoint: { signer } } };
    expect(installOptions({ webhookUrl: 'https://10.0.0.5' }, file)).toMatchObject({ signer });
    expect(installOptions({})).toMatchObject({ signer: 'kubernetes.io/kubelet-serving' });
    const wrong = { path: 'f', content: { kubeletEndpoint: { signer: 'a/b/c' } } };
    expect(() => installOptions({}, wrong)).toThrow('a signer is a domain and a path');
  });

  test.each(['256Mi', '3Gi', '4000000000'])('%s of memory is what a replica may have', async (memory) => {
    const options = installOptions({ image: IMAGE, memory: memoryOf(memory) }, FILE);
    const objects = await installObjects(options);
    const resources = { requests: { memory: '256Mi' }, limits: { memory } };
    expect(objects.find(({ kind }) => kind === 'Deployment')).toMatchObject({
      spec: { template: { spec: { containers: [{ resources }] } } },
    });
  });

  test.each(['3', '255Mi', '-3Gi', '3GB', ''])('%j of memory is refused with what is wrong', (memory) => {
    expect(() => memoryOf(memory)).toThrow('256Mi or more, such as 3Gi');
  });

  test('what they say of names wins over the configuration file, and is what the provider is configured with', () => {
    const content = { ...FILE.content, virtualNode: { name: 'a' }, cluster: { namespace: 'one', dns: '10.0.0.10' } };
    const file = { path: 'f', content };
    expect(installOptions({ image: IMAGE }, file)).toMatchObject({ virtualNode: 'a', namespace: 'one' });
    const options = installOptions({ image: IMAGE, virtualNode: 'b', namespace: 'two', zones: ['x', 'y'] }, file);
    expect(options).toMatchObject({ virtualNode: 'b', namespace: 'two', zones: ['x', 'y'] });
    expect(options.provider?.config).toMatchObject({
      virtualNode: { name: 'b' },
      cluster: { namespace: 'two', dns: '10.0.0.10' },
      zones: { names: ['x', 'y'] },
    });
    expect(nodesOf(options)).toEqual(['b-x', 'b-y']);
  });
});
