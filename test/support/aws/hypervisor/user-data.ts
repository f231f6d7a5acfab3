import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

interface CloudConfig {
  readonly write_files?: readonly { readonly path: string; readonly content: string }[];
  readonly runcmd?: readonly (readonly string[])[];
}

/** The program that cloud-init runs for user data, by the forms that ours has. */
export function programOf(userData: Uint8Array): string {
  const isCompressed = userData[0] === 0x1f && userData[1] === 0x8b;
  const text = Buffer.from(isCompressed ? gunzipSync(userData) : userData).toString('utf8');
  if (text.startsWith('#!/bin/sh\n')) return text;
  if (!text.startsWith('#cloud-config\n')) throw new Error('cloud-init would not know what to do with this user data');
  const { write_files: [file] = [], runcmd: [command] = [] } = parse(text) as CloudConfig;
  if (file === undefined || command?.join(' ') !== `sh ${file.path}`) throw new Error('this is more than one program');
  return file.content;
}
