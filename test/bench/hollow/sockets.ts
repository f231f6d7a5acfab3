/** Names of the Unix sockets of a cluster with hollow cells, in the cluster's folder. */
export const CLOUD_SOCKET = 'hollow.sock';
export const PROVIDER_SOCKET = 'provider.sock';
