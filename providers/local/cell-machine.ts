import os from 'node:os';
import type { CellBootstrap, CellMachine } from '../../src/core/cell.ts';
import type { CellClass } from '../../src/core/cell-class.ts';
import { classKubelet } from '../kubelet/kubelet-config.ts';
import type { CellRecord } from './cell-store.ts';
import { machineAddresses, routerAddress } from './machine/addressing.ts';
import { kubeletConfiguration } from './machine/kubelet-config.ts';
import type { MachineState } from './machine/machine.ts';
import { linkName, namespaceName } from './machine/network.ts';
import type { MachineSpec } from './machine/spec.ts';
import type { LocalSettings } from './options.ts';

/** The size of the whole machine, as its kubelets will report it. */
export function hostSize(): { readonly cpuMilli: number; readonly memoryBytes: number } {
  return { cpuMilli: os.cpus().length * 1000, memoryBytes: os.totalmem() };
}

/** The cgroup of a cell's machine, in every hierarchy. */
export function cgroupOf({ cgroup }: LocalSettings, cellId: string): string {
  return `${cgroup}/${cellId}`;
}

/** What a cell's machine is made of. */
export interface CellSpecOptions {
  readonly settings: LocalSettings;
  readonly record: CellRecord;
  readonly cellClass: CellClass;
  readonly bootstrap: CellBootstrap;
  readonly images: readonly string[];
  readonly token: string;
  readonly directory: string;
  /** Containerd root with the images that cells boot with. */
  readonly template: string | undefined;
  readonly host: { readonly cpuMilli: number; readonly memoryBytes: number };
}

/**
 * The machine of a cell. Its kubelet sees the whole host, so what is not the cell's is reserved: then its
 * allocatable, its admission checks and in-place resizes are the cell's.
 */
export function cellSpec(options: CellSpecOptions): MachineSpec {
  const { settings, record, bootstrap, host } = options;
  const { programs, clusterName, ranges } = settings;
  const { allocatable, capacity } = record.offering;
  const { cellId } = record.tags;
  const configuration = kubeletConfiguration({
    clusterDns: bootstrap.clusterDns,
    clusterDomain: bootstrap.clusterDomain,
    reserved: {
      cpuMilli: Math.max(0, host.cpuMilli - allocatable.cpuMilli),
      memoryBytes: Math.max(0, host.memoryBytes - allocatable.memoryBytes),
    },
  });
  return {
    directory: options.directory,
    cgroup: cgroupOf(settings, cellId),
    limits: { cpuMilli: capacity.cpuMilli, memoryBytes: capacity.memoryBytes },
    // Nobody waits for it, and pods that start now must not wait for its boot.
    cpuWeight: record.tags.pool !== undefined && record.tags.podUid === '' ? 'background' : 'equal',
    network: {
      ...machineAddresses(ranges, record.index),
      namespace: namespaceName(clusterName, cellId),
      link: linkName(clusterName, record.index),
      gateway: routerAddress(ranges),
      ...(settings.networkNamespace === undefined ? {} : { routerNamespace: settings.networkNamespace }),
    },
    containerd: {
      containerd: programs.containerd,
      cniBinDir: programs.cniBinDir,
      sandboxImage: settings.sandboxImage,
      images: options.images,
      ...(programs.runc === undefined ? {} : { runc: programs.runc }),
      ...(settings.registryMirror === undefined ? {} : { registryMirror: settings.registryMirror }),
      ...(options.template === undefined ? {} : { template: options.template }),
    },
    kubelet: {
      kubelet: programs.kubelet,
      nodeName: bootstrap.nodeName,
      // The cell API serves the node; there is nothing to register.
      configuration: { ...configuration, ...classKubelet(options.cellClass), registerNode: false },
      clientCaPem: bootstrap.caPem,
      bootstrap: { server: bootstrap.cellApiUrl, caPem: bootstrap.caPem, token: options.token },
    },
    nameserver: bootstrap.clusterDns,
  };
}

const STATES: Readonly<Record<MachineState, CellMachine['state']>> = {
  absent: 'launching',
  starting: 'launching',
  running: 'running',
  stopped: 'stopped',
  ending: 'ending',
  ended: 'ended',
};

/** A cell as the contract tells of it. */
export function machineOf(record: CellRecord, state: MachineState): CellMachine {
  const { offering } = record;
  return {
    tags: record.tags,
    instanceType: offering.instanceType,
    launchType: offering.launchType,
    zone: offering.zone,
    arch: offering.arch,
    pricePerHourUsd: offering.pricePerHourUsd,
    allocatable: offering.allocatable,
    addresses: [record.address],
    createdAtMs: record.createdAtMs,
    state: STATES[state],
    ...(state === 'ended' ? { reason: 'the first process of the cell has ended, and all others with it' } : {}),
  };
}
