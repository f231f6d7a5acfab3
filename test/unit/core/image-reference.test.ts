import { expect, test } from 'vitest';
import { fullReference, isImageReference } from '../../../src/core/image-reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1.37', 'docker.io/library/busybox:1.37'],
  ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
  ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
  ['localhost/web', 'localhost/web:latest'],
  ['registry.example:5000/a/b', 'registry.example:5000/a/b:latest'],
  [`web@${DIGEST}`, `docker.io/library/web@${DIGEST}`],
])('%s is %s', (image, expected) => {
  expect(isImageReference(image)).toBe(true);
  expect(fullReference(image)).toBe(expected);
});

test.each([
  '',
  'Web',
  'web:',
  'a b',
  "web';reboot",
  '$(reboot)',
  '-web',
  'web@sha256:12',
  'https://a/b',
  'a//b',
  'x'.repeat(513),
])('"%s" is no image', (text) => {
  expect(isImageReference(text)).toBe(false);
});
