/** Milliseconds since an arbitrary origin; never goes back. */
export type Clock = () => number;

/** The default clock. Wall-clock time would jump when the machine's time is set. */
export const monotonicClock: Clock = () => performance.now();
