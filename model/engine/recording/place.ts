let place = '';

/** Where in the network the running code is, such as `stage1.0`; names of recorded nodes begin with it. */
export const currentPlace = (): string => place;

/** The same for a message: ` in stage1.0`, or nothing outside of all parts. */
export const ofPlace = (): string => (place ? ` in ${place}` : '');

/** Runs `body` as part of `name`. */
export function inPlace<Result>(name: string, body: () => Result): Result {
  const outer = place;
  place = name;
  try {
    return body();
  } finally {
    place = outer;
  }
}
