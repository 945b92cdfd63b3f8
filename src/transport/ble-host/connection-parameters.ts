/**
 * What is asked for with each connection: 7.5 to 15 ms between connection events, and a link that survives the 4 s in which
 * a device erases flash. A request: without root, Linux takes the kernel's own values.
 */
export const CONNECTION = { minInterval: 6, maxInterval: 12, latency: 0, timeout: 400 } as const;
