/** Where a machine asks who it is. */
export const IMDS = 'http://169.254.169.254/latest';
