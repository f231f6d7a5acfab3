const DOMAIN = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,252}[a-zA-Z0-9])?(?::[0-9]{1,5})?)';
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REFERENCE = new RegExp(
  `^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);
const MOST_LENGTH = 512;

/** Whether a text is the name of an image, as a container has it. */
export function isImageReference(text: string): boolean {
  return text.length <= MOST_LENGTH && REFERENCE.test(text);
}

/** The whole name of an image: `busybox` is `docker.io/library/busybox:latest`. */
export function fullReference(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isDomain = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const path = isDomain ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`;
  const last = path.slice(path.lastIndexOf('/') + 1);
  return last.includes(':') || last.includes('@') ? path : `${path}:latest`;
}
