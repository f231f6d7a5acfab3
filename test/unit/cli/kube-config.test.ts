import { afterEach, describe, expect, test, vi } from 'vitest';
import { loadKubeConfig } from '../../../src/cli/kube-config.ts';

afterEach(() => vi.unstubAllEnvs());

describe('the kubeconfig', () => {
  test('that is not there is told with what to do', () => {
    vi.stubEnv('KUBECONFIG', undefined);
    vi.stubEnv('HOME', '/nonexistent');
    expect(() => loadKubeConfig(undefined)).toThrow(/there is none: give --kubeconfig FILE/);
    expect(() => loadKubeConfig('/nonexistent/config')).toThrow(/kubeconfig \/nonexistent\/config can not be read/);
  });
});
